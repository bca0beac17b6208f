/** Exit codes; those above 2 are of sysexits.h. */
export const exitCode = {
  done: 0,
  /** Something failed or differs. */
  failed: 1,
  /** A wrong call of an operator's command, which scripts tell from `failed`. */
  operatorUsage: 2,
  usage: 64,
  notValid: 65,
  notReadable: 66,
  unavailable: 69,
  configuration: 78,
} as const;

/** What ends the command early. */
export class Ended extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
