import { pino } from 'pino';

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

/** A logger that writes JSON lines to standard error; standard output is for the output that a user asked for. */
export function createLog(level: LogLevel): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
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
