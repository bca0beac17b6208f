import { pino } from 'pino';
import { systemClock, type Clock } from './clock.js';
import { Repeats, type Line } from './repeats.js';
import { shortened } from './text.js';

/** Details of a log line: scalar values only, so that nothing large or secret slips in by reference. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the server needs of a logger. Lines are JSON, which keeps hostile text on its own line. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** The names of the levels, quietest last. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A log that counts lines, and tells what it has counted when it is disposed of. */
export type CountingLog = Log & Disposable;

type Level = Exclude<LogLevel, 'silent'>;

interface LogLine extends Line {
  readonly level: Level;
  readonly fields: LogFields;
  readonly message: string;
}

/** The longest text of one field, in UTF-16 code units. */
const longestText = 2001;

function bounded(fields: LogFields): LogFields {
  const entries = Object.entries(fields);
  const isLong = (value: LogFields[string]): boolean =>
    typeof value === 'string' && value.length > longestText;
  if (!entries.some(([, value]) => isLong(value))) return fields;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? shortened(value, longestText) : value]),
  );
}

/**
 * `log`, with a bound on what it is made to write (design D21): lines have a bounded length, and repeated ones
 * are counted. Every line goes this way, whoever causes it: nobody needs to know which ones outsiders can cause.
 * Lines about one MC system are of a kind of their own, so that none hides those about another.
 */
export function countingRepeats(log: Log, clock: Pick<Clock, 'monotonic' | 'schedule'>): CountingLog {
  const repeats = new Repeats<LogLine>(clock, ({ level, fields, message }, reason, lines) => {
    log[level](reason === 'repeated' ? { ...fields, repeated: lines } : leftOut(fields, lines), message);
  });
  const write =
    (level: Level) =>
    (given: LogFields, message: string): void => {
      const fields = bounded(given);
      const kind = `${level} ${message} ${String(fields['peer'] ?? '')}`;
      const line = { level, fields, message, kind, text: `${kind} ${JSON.stringify(fields)}` };
      if (repeats.admits(line)) log[level](fields, message);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    [Symbol.dispose]: () => {
      repeats.flush();
    },
  };
}

/** Of lines that differ, only what they have in common. */
function leftOut({ peer }: LogFields, lines: number): LogFields {
  return peer === undefined ? { leftOut: lines } : { peer, leftOut: lines };
}

/** Takes each line with its line break. Must return at once and not throw. */
export type WriteLine = (line: string) => void;

/** Standard error, for as long as somebody listens there: a terminal that was closed ends no server. */
function standardError(): { readonly write: WriteLine } {
  const destination = pino.destination(2);
  destination.on('error', () => undefined);
  return destination;
}

/**
 * A logger that writes JSON lines.
 *
 * @param write where they go; without it to standard error, since standard output is for what a user asked for
 */
export function createLog(level: LogLevel, clock: Clock = systemClock, write?: WriteLine): CountingLog {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  return countingRepeats(pino(options, write === undefined ? standardError() : { write }), clock);
}

/** The line in the form of the others that tells of lines that were lost. */
export function lostLine(clock: Pick<Clock, 'now'>, lost: number): string {
  const time = new Date(clock.now()).toISOString();
  return JSON.stringify({ level: pino.levels.values['error'], time, lost, msg: 'log lines lost' });
}

/** A logger that writes nothing. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** The words of what a library prints: no stack, no path. */
function wordsOf(printed: unknown): string {
  const text =
    printed instanceof Error ? printed.message : typeof printed === 'string' ? printed : 'something';
  const [line = ''] = text.split('\n');
  return line.replace(/(^|[\s'"(])(?:\/|[A-Za-z]:\\)[^\s'")]*/g, '$1(a path)');
}

/**
 * From here on, what libraries print on the console of their own accord becomes lines of the log.
 *
 * @param endLine ends a line of standard error that a library's native part may have begun
 */
export function logConsole(log: Log, endLine: () => void = () => undefined): void {
  const take = (...printed: readonly unknown[]): void => {
    endLine();
    log.warn({ says: printed.map(wordsOf).join(' ') }, 'a library reports trouble');
  };
  console.error = take;
  console.warn = take;
}
