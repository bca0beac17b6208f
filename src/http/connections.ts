import type { IncomingMessage, ServerResponse } from 'node:http';

type Socket = IncomingMessage['socket'];

/**
 * The open connections of a server, at most `most`. Where a further one comes, the connection that has been
 * idle for the longest time makes room; where none is idle, the further one is closed.
 */
export class Connections {
  readonly #most: number;
  #open = 0;
  /** Connections without a request under way, the longest idle first. */
  readonly #idle = new Set<Socket>();
  /** Requests under way on connections that have any. */
  readonly #underWay = new Map<Socket, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** A connection was made. */
  opened(socket: Socket): void {
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
      this.#idle.delete(socket);
      this.#underWay.delete(socket);
    });
    this.#idle.add(socket);
    if (this.#open <= this.#most) return;
    // Where all others are busy, the new one is the only one that is idle.
    const [oldest = socket] = this.#idle;
    this.#idle.delete(oldest);
    oldest.destroy();
  }

  /** A request came on a connection; it is under way until `response` is closed. */
  asked(socket: Socket, response: ServerResponse): void {
    this.#idle.delete(socket);
    this.#underWay.set(socket, (this.#underWay.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (this.#underWay.get(socket) ?? 1) - 1;
      if (left > 0) {
        this.#underWay.set(socket, left);
        return;
      }
      this.#underWay.delete(socket);
      if (!socket.destroyed) this.#idle.add(socket);
    });
  }
}
