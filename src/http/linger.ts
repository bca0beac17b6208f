import type { IncomingMessage } from 'node:http';

/**
 * Lingering close (RFC 9112 clause 9.6). A server that closes a connection while the client still sends
 * resets it, and the reset destroys an answer that the client has not read yet. Therefore the answer is
 * followed by the end of our half of the connection, and what still arrives is read and discarded: until the
 * body ends or the client hangs up, for a bounded time and a bounded number of octets.
 */

/** Milliseconds that a client has to read its answer and to stop sending. */
const lingerTime = 10_000;

/** Octets that are discarded at most. */
const lingerOctets = 64 * 1024 * 1024;

type Socket = IncomingMessage['socket'];

const lingering = new WeakSet<Socket>();

/** Whether the connection only waits for its end: what arrives there is no request any more. */
export function lingers(socket: Socket): boolean {
  return lingering.has(socket);
}

/** Ends our half of the connection of `request`, whose answer is written; discards what arrives, then closes. */
export function lingerAndClose(request: IncomingMessage): void {
  const { socket } = request;
  lingering.add(socket);
  const close = (): void => {
    clearTimeout(late);
    socket.destroy();
  };
  const late = setTimeout(close, lingerTime);
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
