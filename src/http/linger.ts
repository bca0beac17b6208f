import type { IncomingMessage } from 'node:http';
import type { Connection } from './connection.js';

/**
 * Lingering close (RFC 9112 clause 9.6). A server that closes a connection while the client still sends
 * resets it, and the reset destroys an answer that the client has not read yet. Therefore the answer is
 * followed by the end of our half of the connection, and what still arrives is read and discarded: until the
 * body ends or the client hangs up, for a bounded time and a bounded number of octets.
 */

/** Octets that are discarded at most. */
const lingerOctets = 64 * 1024 * 1024;

/**
 * Ends our half of a connection, where the answer to `request` is written; discards what arrives, then closes.
 *
 * @param time milliseconds that the client has to read its answer and to stop sending
 */
export function lingerAndClose(connection: Connection, request: IncomingMessage, time: number): void {
  const { socket } = connection;
  connection.lingers = true;
  const close = (): void => {
    clearTimeout(late);
    socket.destroy();
  };
  const late = setTimeout(close, time);
  let octets = 0;
  request.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > lingerOctets) close();
  });
  request.once('end', close);
  socket.once('close', close);
  request.resume();
  socket.end();
}
