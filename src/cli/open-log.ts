import { LineLog } from '../audit/line-log.js';
import type { Rotation } from '../audit/rotated-file.js';
import { type Clock, systemClock } from '../base/clock.js';
import { createLog, type Log, type LogLevel, lostLine } from '../base/log.js';

/** The log of a program, on standard error or in a file of its own. */

export interface LogSettings extends Rotation {
  readonly level: LogLevel;
  readonly file?: string | undefined;
}

export interface OpenedLog extends AsyncDisposable {
  readonly log: Log;
  /** Opens the file anew, where there is one. */
  readonly reopen: () => Promise<void>;
}

/** @throws FileUnusable where the file cannot be opened; with level `silent` no file is */
export async function openLog(settings: LogSettings, clock: Clock = systemClock): Promise<OpenedLog> {
  const { file, level } = settings;
  if (file === undefined || level === 'silent') return onStandardError(level, clock);
  // What is wrong with the file itself cannot be told there.
  const inNeed = onStandardError('error', clock);
  const lines = await LineLog.open({
    name: 'log',
    folder: '',
    file,
    rotation: settings,
    lostLine: (lost) => lostLine(clock, lost),
    log: inNeed.log,
  });
  const log = createLog(level, clock, (line) => {
    lines.append(line.trimEnd());
  });
  return {
    log,
    reopen: () => lines.reopen(),
    [Symbol.asyncDispose]: async () => {
      log[Symbol.dispose]();
      await lines.close();
      await inNeed[Symbol.asyncDispose]();
    },
  };
}

function onStandardError(level: LogLevel, clock: Clock): OpenedLog {
  const log = createLog(level, clock);
  return {
    log,
    reopen: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => {
      log[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
