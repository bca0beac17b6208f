import { createHash } from 'node:crypto';

/** The SHA-256 digest of `text` in UTF-8, as 43 URL-safe characters. */
export function digest(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64url');
}
