import { createHash, hash } from 'node:crypto';

/** The SHA-256 digest of `text` in UTF-8, as 43 URL-safe characters. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

/** Makes the same digest of a text that comes in slices. */
export class SlicedDigest {
  readonly #hash = createHash('sha256');

  /** @param slice the next octets of the text in UTF-8 */
  add(slice: Uint8Array): void {
    this.#hash.update(slice);
  }

  /** The digest; nothing can be added afterwards. */
  end(): string {
    return this.#hash.digest('base64url');
  }
}
