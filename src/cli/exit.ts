import { usageErrorExitCode } from './arguments.js';

/** Exit codes: 1 something failed or differs, 2 it is not clear which server or whom to ask as. */
export const exitCode = { done: 0, failed: 1, usage: usageErrorExitCode } as const;

/** What ends the command early. */
export class Ended extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
