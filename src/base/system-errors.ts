import { GmsError } from './errors.js';

/** What the operating system says no with, in words that an operator can act on. */

/** A file or folder that the program cannot do without cannot be used: reported at start, with exit code 69. */
export class FileUnusable extends GmsError {}

/** Something else has the address, or the machine does not have it: reported at start. */
export class AddressUnusable extends GmsError {}

const words: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'another process listens there; stop it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAI_AGAIN: 'the name cannot be resolved now',
  EINVAL: 'it is no file that can be read or written so',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'this process may not open more files',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'this machine cannot open more files',
  ENOENT: 'there is no such file',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is not a folder',
  ENOTFOUND: 'the name cannot be resolved',
  ENXIO: 'nothing is at its other end',
  EPERM: 'permission denied',
  EROFS: 'the disk can only be read',
};

/** The symbol of a system error, such as `ENOSPC`; undefined for other errors. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The symbol of a system error such as `ENOSPC`, or the class of any other error. Holds no path. */
export function errorCode(error: unknown): string {
  return systemCode(error) ?? (error instanceof Error ? error.name : 'unknown error');
}

/** Why something could not be done, in words alone where there are some. Holds no path. */
export function systemWords(error: unknown, instead: Readonly<Record<string, string>> = {}): string {
  const code = systemCode(error);
  if (code === undefined) return errorCode(error);
  return instead[code] ?? words[code] ?? code;
}

/**
 * Why something could not be done, in words, with the symbol of the system behind them. Holds no path.
 *
 * @param instead words that fit better than the usual ones, by symbol
 */
export function systemReason(error: unknown, instead: Readonly<Record<string, string>> = {}): string {
  const [code, reason] = [systemCode(error), systemWords(error, instead)];
  return code === undefined || code === reason ? reason : `${reason} (${code})`;
}
