import http from 'node:http';
import type { RawAnswer, RawRequest } from '../support/raw-http.js';

/** Sends the body in chunks of 64 KiB, without a Content-Length. */
export async function sendInChunks(port: number, request: RawRequest): Promise<RawAnswer> {
  const { method, target, headers = {}, body = '' } = request;
  const bytes = Buffer.from(body);
  return await new Promise((resolve, reject) => {
    const outgoing = http.request({ host: '127.0.0.1', port, method, path: target, headers, agent: false });
    let answered = false;
    outgoing.on('error', (error) => {
      // The server may hang up on a body that it will not read; what it said before counts.
      if (!answered) reject(error);
    });
    outgoing.on('response', (incoming) => {
      answered = true;
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const received = Buffer.concat(chunks);
        const { statusCode = 0 } = incoming;
        resolve({
          status: statusCode,
          headers: incoming.headers,
          body: received,
          text: received.toString('utf8'),
        });
      });
    });
    for (let at = 0; at < bytes.length; at += 65_536) outgoing.write(bytes.subarray(at, at + 65_536));
    outgoing.end();
  });
}
