import { randomBytes } from 'node:crypto';

/** Randomness as an argument: tests pass a seeded source. */
export interface Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** A token of 128 random bits, URL-safe. */
  token(): string;
}

/** Randomness of the operating system. */
export const systemRandom: Random = {
  fraction: () => randomBytes(4).readUInt32BE() / 2 ** 32,
  token: () => randomBytes(16).toString('base64url'),
};
