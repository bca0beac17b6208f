import { quote } from '../../base/text.js';
import type { Kind } from './kind.js';

/** A number in a base unit: a plain number, or a number with one of `units`. */
function quantity(type: string, example: string, units: Readonly<Record<string, number>>) {
  const parse = (value: unknown): number | undefined => {
    const [, number, unit = ''] = /^(\d{1,16}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(String(value)) ?? [];
    const factor = unit === '' ? 1 : Object.hasOwn(units, unit) ? units[unit] : undefined;
    if (number === undefined || factor === undefined) return undefined;
    const exact = Number(number) * factor;
    const amount = Math.round(exact);
    // 1.1h is whole in milliseconds, though not in binary floating point.
    const whole = Math.abs(exact - amount) <= amount * 1e-12;
    return whole && Number.isSafeInteger(amount) ? amount : undefined;
  };
  const names = Object.keys(units);
  return (least: string, most: string): Kind<number> => {
    const [minimum, maximum] = [parse(least) ?? 0, parse(most) ?? 0];
    return {
      type,
      right: `a ${type} from ${least} to ${most}, such as ${example} (units: ${names.join(', ')})`,
      read: (value) => {
        if (typeof value !== 'string' && typeof value !== 'number') return undefined;
        const amount = parse(value);
        return amount !== undefined && amount >= minimum && amount <= maximum ? amount : undefined;
      },
      doubt: (value) => {
        const number = String(value);
        if (!/^[\d.]+$/.test(number) || Number(number) === 0) return undefined;
        const [base = '', next = ''] = names;
        return `${number} has no unit and means ${number}${base}; write ${number}${base}, or ${number}${next} if that is meant`;
      },
      hint: (value) => {
        const unit = typeof value === 'string' ? /^[\d.]+ ?([A-Za-z]+)$/.exec(value)?.[1] : undefined;
        if (unit === undefined || names.includes(unit)) return undefined;
        const near =
          names.find((name) => unit.toLowerCase().startsWith(name.toLowerCase())) ??
          names.find((name) => name.slice(0, 1).toLowerCase() === unit.slice(0, 1).toLowerCase());
        return `unit ${quote(unit)} is unknown${near === undefined ? '' : `, did you mean ${near}?`}`;
      },
    };
  };
}

/** In milliseconds. */
export const duration = quantity('duration', '10s', {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
});

/** In bytes. */
export const size = quantity('size', '64KiB', { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 });

export function wholeNumber(minimum: number, maximum: number): Kind<number> {
  return {
    type: 'whole number',
    right: `a whole number from ${minimum} to ${maximum}`,
    read: (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum
        ? value
        : undefined,
    hint: (value) =>
      typeof value === 'string' && /^\d+$/.test(value) ? 'write it without quotes' : undefined,
  };
}
