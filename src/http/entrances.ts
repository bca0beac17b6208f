import net, { type AddressInfo } from 'node:net';

/**
 * The sockets on which a server waits for connections. Each gives the event loop one connection per turn, whatever
 * waits: under a load that makes turns long, a single one takes up fewer connections than hostile clients open, and
 * whoever is new waits for minutes behind theirs. So there are several sockets for one address, among which the system
 * distributes connections, and the turn of the loop takes one of each (design D21).
 *
 * Node.js knows this from 22.12 on, where the system does; elsewhere there is one.
 */

/** How many there are at most: so many connections are taken up in a turn, in a millisecond or two. */
const mostEntrances = 64;

/** For so many connections that may be open there is one. */
const connectionsOfOne = 16;

/**
 * How many connections may wait to be accepted at each. Where there is no room for one, the system drops its first
 * packet without a word, and its sender comes again after one second, then two, four and so on, up to two minutes.
 */
const backlog = 4096;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** As what the address is listened on by `server` itself, and by those beside it. */
type How = Address & { readonly backlog: number; readonly reusePort?: boolean };

export class Entrances {
  readonly #servers: readonly net.Server[];
  readonly port: number;

  private constructor(servers: readonly net.Server[], port: number) {
    this.#servers = servers;
    this.port = port;
  }

  /**
   * Has `server` listen.
   *
   * @param connections how many may be open
   * @throws Error of the system where the address cannot be listened on
   */
  static async open(server: net.Server, address: Address, connections: number): Promise<Entrances> {
    // Sockets that share an address would let a second server in beside them, unseen. Who wants it alone finds it taken.
    if (address.port !== 0) await closed(await listening(net.createServer(), { ...address, backlog: 1 }));
    const shared = { ...address, backlog, reusePort: true };
    try {
      await listening(server, shared);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      await listening(server, { ...address, backlog });
    }
    const { port } = server.address() as AddressInfo;
    const number = Math.min(mostEntrances, Math.ceil(connections / connectionsOfOne));
    return new Entrances([server, ...(await besides(server, { ...shared, port }, number - 1))], port);
  }

  /** Takes nobody in any more. Resolves once the connections are closed as well. */
  async close(): Promise<void> {
    await Promise.all(this.#servers.map(closed));
  }
}

/** The further sockets; none where the system does not share addresses. */
async function besides(server: net.Server, how: How, number: number): Promise<readonly net.Server[]> {
  const found: net.Server[] = [];
  // As an HTTP server opens its own.
  const options = { allowHalfOpen: true, noDelay: true };
  while (found.length < number) {
    const beside = net.createServer(options, (socket) => server.emit('connection', socket));
    try {
      found.push(await listening(beside, how));
    } catch {
      break;
    }
  }
  return found;
}

function isUnsupported(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOTSUP';
}

async function listening(server: net.Server, how: How): Promise<net.Server> {
  return await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(how, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

async function closed(server: net.Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
