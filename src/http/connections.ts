import type { Clock } from '../base/clock.js';
import { Connection, type ConnectionTools, type Socket } from './connection.js';

/**
 * The open connections of a server, at most `most` (design D21). Where a further one comes, whoever holds most
 * loses one: the one that has been idle for the longest time, else the one that has kept us waiting for the longest
 * time. Whoever has nothing to lose is passed over, and where nobody else has, the further one is closed.
 *
 * A connection counts for the principal of its last request, since a proxy brings those of many; until a request
 * came, for the remote address.
 */

/** Milliseconds that a client may keep us waiting before its connection counts as one that can go. */
const patience = 1000;

/** The connections of one owner, those first that are so for the longest time. */
interface Share {
  readonly owner: string;
  readonly idle: Set<Entry>;
  readonly busy: Set<Entry>;
}

interface Entry {
  readonly connection: Connection;
  share: Share;
  /** Grows with each change: the lower, the longer it has been so. */
  since: number;
}

export class Connections {
  readonly #most: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #open = new Map<Socket, Entry>();
  readonly #shares = new Map<string, Share>();
  #changes = 0;

  constructor(most: number, clock: Pick<Clock, 'monotonic'>) {
    this.#most = most;
    this.#clock = clock;
  }

  /** A connection was made. */
  opened(socket: Socket, tools: Omit<ConnectionTools, 'changed' | 'now'>): void {
    const connection = new Connection(socket, {
      ...tools,
      changed: () => {
        this.#changed(entry);
      },
      now: () => this.#clock.monotonic(),
    });
    const entry: Entry = { connection, share: this.#shareOf(connection.owner), since: 0 };
    this.#open.set(socket, entry);
    socket.once('close', () => {
      this.#remove(entry);
    });
    this.#changed(entry);
    if (this.#open.size <= this.#most) return;
    const goes = this.#dispensable() ?? entry;
    this.#remove(goes);
    goes.connection.socket.destroy();
  }

  /** The connection of a socket; undefined where it is closed. */
  of(socket: Socket): Connection | undefined {
    return this.#open.get(socket)?.connection;
  }

  /** Closes the connections of clients that have not taken their answer, or the next part of it, for `limit` ms. */
  closeUnread(limit: number): void {
    const now = this.#clock.monotonic();
    for (const { busy } of this.#shares.values()) {
      for (const { connection } of busy) {
        if (connection.unreadSince !== undefined && now - connection.unreadSince >= limit) {
          connection.socket.destroy();
        }
      }
    }
  }

  /** Closes the connections on which nothing is under way. */
  closeIdle(): void {
    for (const { idle } of this.#shares.values()) {
      for (const { connection } of idle) connection.socket.destroy();
    }
  }

  /** A request was begun, or the last one is answered. */
  #changed(entry: Entry): void {
    const { connection, share } = entry;
    if (!this.#open.has(connection.socket)) return;
    share.idle.delete(entry);
    share.busy.delete(entry);
    if (share.owner !== connection.owner) {
      this.#drop(share);
      entry.share = this.#shareOf(connection.owner);
    }
    this.#changes += 1;
    entry.since = this.#changes;
    (connection.busy ? entry.share.busy : entry.share.idle).add(entry);
  }

  #remove(entry: Entry): void {
    this.#open.delete(entry.connection.socket);
    entry.share.idle.delete(entry);
    entry.share.busy.delete(entry);
    this.#drop(entry.share);
  }

  #shareOf(owner: string): Share {
    let share = this.#shares.get(owner);
    if (share === undefined) {
      share = { owner, idle: new Set(), busy: new Set() };
      this.#shares.set(owner, share);
    }
    return share;
  }

  /** Forgets a share of nothing. */
  #drop(share: Share): void {
    if (share.idle.size + share.busy.size === 0) this.#shares.delete(share.owner);
  }

  /** The connection that can go, of whoever holds most. */
  #dispensable(): Entry | undefined {
    let most = 0;
    let found: Entry | undefined;
    for (const share of this.#shares.values()) {
      const size = share.idle.size + share.busy.size;
      if (size < most) continue;
      const [own = this.#tarrying(share)] = share.idle;
      if (own === undefined) continue;
      if (size === most && found !== undefined && found.since < own.since) continue;
      most = size;
      found = own;
    }
    return found;
  }

  #tarrying({ busy }: Share): Entry | undefined {
    const now = this.#clock.monotonic();
    for (const entry of busy) {
      const { waitsSince } = entry.connection;
      if (waitsSince !== undefined && now - waitsSince >= patience) return entry;
    }
    return undefined;
  }
}
