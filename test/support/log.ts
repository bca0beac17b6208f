import type { Log, LogFields } from '../../src/base/log.js';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

/** Keeps the lines of a system, and lets a test wait for one. */
export class RecordedLog implements Log {
  readonly lines: LogLine[] = [];
  readonly #waiting = new Set<(line: LogLine) => void>();

  debug = this.#recorder('debug');
  info = this.#recorder('info');
  warn = this.#recorder('warn');
  error = this.#recorder('error');

  /** The first line that says `message`, already there or yet to come. */
  async line(message: string, matches: (fields: LogFields) => boolean = () => true): Promise<LogLine> {
    const known = this.lines.find((line) => line.message === message && matches(line.fields));
    if (known !== undefined) return known;
    return await new Promise((resolve) => {
      const notify = (line: LogLine): void => {
        if (line.message !== message || !matches(line.fields)) return;
        this.#waiting.delete(notify);
        resolve(line);
      };
      this.#waiting.add(notify);
    });
  }

  /** Forgets what was said so far. */
  clear(): void {
    this.lines.length = 0;
  }

  #recorder(level: LogLine['level']) {
    return (fields: LogFields, message: string): void => {
      const line = { level, fields, message };
      this.lines.push(line);
      for (const notify of [...this.#waiting]) notify(line);
    };
  }
}
