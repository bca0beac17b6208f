import http from 'node:http';
import { rootPath } from './cast.js';

/**
 * One address behind which several peers live, as behind a gateway: `/rescue` leads to the honest rescue service,
 * `/silent` to a peer that never answers, and `/flood` to one that takes nothing. The MC service server that is
 * informed of changes listens there as well.
 */
export class Neighbours {
  readonly #server: http.Server;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly port: number;

  private constructor(server: http.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** @param rescuePort where the rescue service listens */
  static async start(rescuePort: number, port: number): Promise<Neighbours> {
    const server = http.createServer({ keepAliveTimeout: 120_000 });
    const self = new Neighbours(server, port);
    server.on('request', (request, response) => {
      const { url = '' } = request;
      if (url.startsWith('/rescue/')) self.#forward(request, response, rescuePort);
      else if (url.startsWith('/silent/')) request.resume();
      else {
        request.resume();
        response.writeHead(url.startsWith('/changes') ? 204 : 503).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return self;
  }

  /** The XCAP root by which the besieged server reaches a peer. */
  rootOf(peer: 'rescue' | 'silent' | 'flood'): string {
    return `http://127.0.0.1:${this.port}/${peer}`;
  }

  get informUrl(): string {
    return `http://127.0.0.1:${this.port}/changes`;
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse, port: number): void {
    const path = rootPath + (request.url ?? '').slice('/rescue'.length);
    const { method, headers } = request;
    const onward = http.request({ host: '127.0.0.1', port, method, path, headers, agent: this.#agent });
    onward.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }
}
