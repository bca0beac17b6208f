import { hash } from 'node:crypto';

/** The SHA-256 digest of `text` in UTF-8, as 43 URL-safe characters. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}
