import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';

/** What tells a program that runs on what to do. */
export interface Signals {
  /** Aborted when the program is to end. */
  readonly stop: AbortSignal;
  /** `listener` is called at each SIGHUP from now on, and at once where one has come already. */
  onHangUp(listener: () => void): void;
}

/**
 * Opens log files anew at each SIGHUP, as programs expect that rename them. The configuration is not read again.
 *
 * @param reopen opens what is open; where it is nothing, the signal changes nothing
 */
export function reopenOnHangUp(signals: Signals, log: Log, reopen: () => Promise<unknown>): void {
  signals.onHangUp(() => {
    reopen().then(
      () => {
        log.info({}, 'log files opened anew');
      },
      (error: unknown) => {
        log.error({ reason: describeError(error) }, 'log files not opened anew');
      },
    );
  });
}
