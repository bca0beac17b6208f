import type { IncomingHttpHeaders } from 'node:http';
import { ScriptedServer, type Answering, type Gate, type RecordedRequest, type HttpAnswer } from './peers.js';
import { send } from './raw-http.js';
import type { TestSystem } from './system.js';

/**
 * What stands on the way between two real systems: it lets requests through as they are, or loses them, holds
 * them up, or delivers them again, as the test says. Its own answers show no sign of a GMS.
 */
export class Relay {
  readonly server: ScriptedServer;
  /** Where requests come out; set once that system is there. */
  to: TestSystem | undefined;

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  static async start(): Promise<Relay> {
    const relay = new Relay(await ScriptedServer.start());
    relay.server.otherwise(relay.through);
    return relay;
  }

  get root(): string {
    return this.server.root;
  }

  /** Lets a request through. */
  readonly through: Answering = async (request) => await this.deliver(request);

  /** The requests of one method that came, in their order. */
  all(method: string): readonly RecordedRequest[] {
    return this.server.requests.filter((request) => request.method === method);
  }

  /** Delivers a request, perhaps one that came long ago, and gives the answer. */
  async deliver({ method, target, headers, body }: RecordedRequest): Promise<HttpAnswer> {
    if (this.to === undefined) throw new Error('the relay leads nowhere');
    const answer = await send(this.to.port, {
      method,
      target,
      headers: passedOn(headers),
      ...(body === '' ? {} : { body }),
    });
    return {
      status: answer.status,
      headers: passedOn(answer.headers),
      body: answer.text,
      onTheWay: true,
    };
  }

  /** The next request is lost: it reaches nobody, and its sender is told what a proxy tells. */
  loses(status = 504): this {
    this.server.answers({ status, body: 'not today', onTheWay: true });
    return this;
  }

  /** The next request goes through once the gate is open. */
  holds(gate: Gate): this {
    this.server.answers(async (request) => {
      await gate.passed;
      return await this.deliver(request);
    });
    return this;
  }

  async close(): Promise<void> {
    await this.server.down();
  }
}

/** Fields that say something of one connection or one message, and are written anew. */
const ofOneHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'host',
  'date',
]);

function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const passed = Object.entries(headers).filter(([name]) => !ofOneHop.has(name));
  return Object.fromEntries(passed.map(([name, value]) => [name, String(value)]));
}
