import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemRandom } from '../../src/base/random.js';
import type { Random } from '../../src/base/random.js';
import { systemClock, type Clock } from '../../src/base/clock.js';
import { defaultConfig, type ConfigInput } from '../../src/gms/config.js';
import { createGms, type Gms } from '../../src/gms/gms.js';
import { RecordedLog } from './log.js';
import { send, type RawAnswer, type RawRequest } from './raw-http.js';

/** Identities of the default configuration. */
export const who = {
  administrator: 'sip:admin@police.example',
  mcServiceServer: 'sip:mcptt-server@police.example',
  nobody: undefined,
} as const;

export const groupType = 'application/vnd.oma.poc.groups+xml';
export const elementType = 'application/xcap-el+xml';
export const attributeType = 'application/xcap-att+xml';
export const errorType = 'application/xcap-error+xml';

export interface TestRequest extends Omit<RawRequest, 'target'> {
  /** Path below the XCAP root, as it goes on the wire. */
  readonly path: string;
  /** The asserted identity; the administrator where left out, nobody where undefined. */
  readonly as?: string | undefined;
}

/** A system of its own in a temporary folder, on a free port. */
export class TestSystem {
  readonly log = new RecordedLog();
  readonly folder: string;
  readonly #config: ConfigInput;
  readonly #surroundings: { readonly clock: Clock; readonly random: Random };
  #gms: Gms | undefined;

  private constructor(
    folder: string,
    config: ConfigInput,
    surroundings: { readonly clock: Clock; readonly random: Random },
  ) {
    this.folder = folder;
    this.#config = config;
    this.#surroundings = surroundings;
  }

  static async start(
    config: ConfigInput = {},
    surroundings: { readonly clock?: Clock; readonly random?: Random } = {},
  ): Promise<TestSystem> {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-test-'));
    const system = new TestSystem(folder, config, {
      clock: surroundings.clock ?? systemClock,
      random: surroundings.random ?? systemRandom,
    });
    await system.open();
    return system;
  }

  get root(): string {
    if (this.#gms === undefined) throw new Error('the system is not open');
    return this.#gms.root;
  }

  get port(): number {
    return Number(new URL(this.root).port);
  }

  /** Opens the system again on its folder; `changes` take the place of sections of its configuration. */
  async open(changes: ConfigInput = {}): Promise<void> {
    const config = defaultConfig({
      ...this.#config,
      http: { port: 0, ...this.#config.http },
      store: { folder: join(this.folder, 'data') },
      ...changes,
    });
    this.#gms = await createGms(config, { ...this.#surroundings, log: this.log });
  }

  async close(): Promise<void> {
    const gms = this.#gms;
    this.#gms = undefined;
    await gms?.close();
  }

  /** Closes the system and removes its folder. */
  async dispose(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async request(request: TestRequest): Promise<RawAnswer> {
    const identity = 'as' in request ? request.as : who.administrator;
    const asserted = identity === undefined ? {} : { 'X-3GPP-Asserted-Identity': identity };
    const { pathname } = new URL(this.root);
    return await send(this.port, {
      ...request,
      target: `${pathname}${request.path}`,
      headers: { ...asserted, ...request.headers },
    });
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawAnswer> {
    return await this.request({ method: 'GET', path, headers });
  }

  /** PUTs a document or node, expects success, reads it back and expects what was put. */
  async put(
    path: string,
    body: string | Buffer,
    type: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<RawAnswer> {
    const answer = await this.request({
      method: 'PUT',
      path,
      body,
      headers: { 'Content-Type': type, ...headers },
    });
    expect(answer.status, answer.text).to.be.oneOf([200, 201]);
    const stored = await this.get(path);
    expect(stored.status).to.equal(200);
    expect(stored.text).to.equal(Buffer.from(body).toString('utf8'));
    expect(stored.headers.etag).to.equal(answer.headers.etag);
    return answer;
  }

  /** Runs `attempt` and expects that the document at `path` is the same before and after. */
  async unchanged<T>(path: string, attempt: () => Promise<T>): Promise<T> {
    const before = await this.get(path);
    const result = await attempt();
    const after = await this.get(path);
    expect(after.status, 'status after a refusal').to.equal(before.status);
    expect(after.text, 'document after a refusal').to.equal(before.text);
    expect(after.headers.etag, 'tag after a refusal').to.equal(before.headers.etag);
    return result;
  }
}

/** The path of a group below the XCAP root. */
export function groupPath(groupId: string): string {
  return `/org.openmobilealliance.groups/global/byGroupID/${encodeURIComponent(groupId)}`;
}
