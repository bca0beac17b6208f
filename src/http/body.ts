import type { IncomingMessage } from 'node:http';
import { BadRequest, ContentTooLarge, UnsupportedMediaType } from '../base/refusals.js';

/** Codings that mean "as it is"; `UTF-8` is what some deployed XCAP clients send (design D15). */
const identityCodings = new Set(['', 'identity', 'utf-8']);

/**
 * Reads a request body of at most `limit` octets.
 *
 * @param wanted called once the body is going to be read
 * @throws UnsupportedMediaType for a content coding, ContentTooLarge, BadRequest where the body breaks off
 */
export function readBody(request: IncomingMessage, limit: number, wanted: () => void): Promise<Buffer> {
  const coding = request.headers['content-encoding'] ?? '';
  if (!identityCodings.has(coding.trim().toLowerCase())) {
    throw new UnsupportedMediaType('bodies are accepted without content coding only');
  }
  const tooLarge = (): ContentTooLarge => new ContentTooLarge(`a body has at most ${limit} octets`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  wanted();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (outcome: () => void): void => {
      request.removeListener('data', onData);
      outcome();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        settle(() => {
          reject(tooLarge());
        });
      } else {
        chunks.push(chunk);
      }
    };
    request.on('data', onData);
    request.once('end', () => {
      settle(() => {
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      });
    });
    const onBroken = (): void => {
      settle(() => {
        reject(new BadRequest('the body breaks off'));
      });
    };
    request.once('aborted', onBroken);
    request.once('error', onBroken);
  });
}
