import type { AddressInfo } from 'node:net';
import http from 'node:http';
import type { GroupId } from '../../base/identifiers.js';
import type { Log, LogFields } from '../../base/log.js';

/** Milliseconds that the demo waits for an event before it says that something is wrong. */
const patience = 8000;

/** Passes a system's log on to whoever waits for one of its lines. */
export class EventLog implements Log {
  readonly #waiting = new Set<(fields: LogFields, message: string) => void>();

  debug(): void {
    // Nobody waits for these.
  }

  info(fields: LogFields, message: string): void {
    for (const notify of this.#waiting) notify(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.info(fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.info(fields, message);
  }

  /** Resolves with the fields of the next line that says `message` of `groupId`. */
  next(message: string, groupId: GroupId): Promise<LogFields> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`did not see "${message}" of ${groupId} in time`));
      }, patience);
      const notify = (fields: LogFields, said: string): void => {
        if (said !== message || fields['group'] !== groupId) return;
        clearTimeout(timer);
        this.#waiting.delete(notify);
        resolve(fields);
      };
      this.#waiting.add(notify);
    });
  }
}

/** An MC service server that is informed of changes: it keeps what it was told last. */
export class McServiceServer {
  readonly #server: http.Server;
  readonly #bodies: string[] = [];
  #arrived: (() => void) | undefined;

  private constructor(server: http.Server) {
    this.#server = server;
  }

  static async start(): Promise<McServiceServer> {
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const self = new McServiceServer(server);
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        response.writeHead(204).end();
        self.#bodies.push(body);
        self.#arrived?.();
      });
    });
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/changes`;
  }

  /** The next xcap-diff document. */
  async next(): Promise<string> {
    const signal = AbortSignal.timeout(patience);
    while (this.#bodies.length === 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
      });
    }
    return this.#bodies.shift() ?? '';
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
