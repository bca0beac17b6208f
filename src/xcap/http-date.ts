/** Dates in header fields (RFC 9110 clause 5.6.7). */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const day = `(${days.join('|')})`;
const month = `(${months.join('|')})`;
const time = '(\\d{2}):(\\d{2}):(\\d{2})';
const imfFixdate = new RegExp(`^${day}, (\\d{2}) ${month} (\\d{4}) ${time} GMT$`);
const rfc850 = new RegExp(
  `^(Sunday|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday), (\\d{2})-${month}-(\\d{2}) ${time} GMT$`,
);
const asctime = new RegExp(`^${day} ${month} ([ \\d]\\d) ${time} (\\d{4})$`);

/** `milliseconds` since the epoch as an HTTP-date, in its preferred form; to the second. */
export function formatHttpDate(milliseconds: number): string {
  return new Date(milliseconds).toUTCString();
}

/** Milliseconds since the epoch; undefined where there is no such day or time. 23:59:60 is a leap second. */
function timeOf(
  year: number,
  monthName: string,
  date: string,
  [hours, minutes, seconds]: readonly [string, string, string],
): number | undefined {
  const midnight = new Date(Date.UTC(year, months.indexOf(monthName), Number(date)));
  const isDay = midnight.getUTCDate() === Number(date);
  if (!isDay || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return undefined;
  return midnight.getTime() + ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/**
 * The time that an HTTP-date names, in milliseconds since the epoch, in any of the three forms that recipients must
 * accept; undefined for anything else.
 */
export function parseHttpDate(text: string): number | undefined {
  const value = text.trim();
  const fixed = imfFixdate.exec(value);
  if (fixed !== null) {
    const [, , date = '', name = '', year, hours = '', minutes = '', seconds = ''] = fixed;
    return timeOf(Number(year), name, date, [hours, minutes, seconds]);
  }
  const obsolete = rfc850.exec(value);
  if (obsolete !== null) {
    const [, weekday = '', date = '', name = '', year, hours = '', minutes = '', seconds = ''] = obsolete;
    // A date falls on another day of the week in each of these centuries: the day tells which one is meant.
    for (const century of [2000, 1900]) {
      const found = timeOf(century + Number(year), name, date, [hours, minutes, seconds]);
      if (found !== undefined && days[new Date(found).getUTCDay()] === weekday.slice(0, 3)) return found;
    }
    return undefined;
  }
  const [, , name = '', date = '', hours = '', minutes = '', seconds = '', year] = asctime.exec(value) ?? [];
  return year === undefined ? undefined : timeOf(Number(year), name, date, [hours, minutes, seconds]);
}
