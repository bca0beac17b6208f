import { JudgeHere } from '../../../src/documents/judgement.js';
import { GroupReadings } from '../../../src/groups/reading.js';
import { HomeSystems } from '../../../src/mc-systems/homes.js';
import type { DocumentName, ETag, GroupId, SystemName } from '../../../src/base/identifiers.js';
import { pageOf, SumsOver } from '../../support/store-lists.js';
import { documentTally } from '../../../src/documents/tally.js';
import { systemRandom, type Random } from '../../../src/base/random.js';
import { Documents } from '../../../src/documents/documents.js';
import type { Content, Delivery, DocumentState, Received } from '../../../src/documents/state.js';
import { firstDelivery } from '../../../src/interconnection/primary/delivery-state.js';
import { groupMediaType, groupsAuid, nameOfGroup } from '../../../src/groups/names.js';
import { NoAnswer, type OutboundAnswer, type OutboundRequest } from '../../../src/outbound/client.js';
import type { Peer, Peers } from '../../../src/mc-systems/peers.js';
import { PeerClient, type PeerClientOptions } from '../../../src/interconnection/peer-client.js';
import { createPlan } from '../../../src/interconnection/primary/plan.js';
import { NotProvided, type RefusalCode } from '../../../src/interconnection/result/not-provided.js';
import { reasonOf, resultMediaType } from '../../../src/interconnection/result/result.js';
import { writeResult } from '../../../src/interconnection/result/write-result.js';
import { Receiver } from '../../../src/interconnection/partner/receiver.js';
import type { RequestSettings } from '../../../src/interconnection/partner/requester.js';
import { type Derive } from '../../../src/policy/policies-in-force.js';
import {
  CommitConflict,
  type RecordContent,
  type RecordKey,
  type Store,
  type StoreRecord,
  type Account,
  type KeyedLabels,
  type Page,
  type PageOf,
  type Sum,
} from '../../../src/store/store.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { RecordedLog } from '../../support/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

/** Parts of a system around the one under test, without network and disk. */

export const a = 'a' as SystemName;
export const b = 'b' as SystemName;
export const c = 'c' as SystemName;

/** Homes as system `own` sees them: a of the police, b of the fire brigade, c of the port. */
export function homesOf(own: SystemName): HomeSystems {
  const systems = [
    { name: a, domains: ['police.example'], telPrefixes: ['tel:+1555'] },
    { name: b, domains: ['fire.example'], telPrefixes: ['tel:+15550'] },
    { name: c, domains: ['port.example'], telPrefixes: [] },
  ];
  const [home = systems[0]] = systems.filter(({ name }) => name === own);
  if (home === undefined) throw new Error('no such system');
  return new HomeSystems(
    home,
    systems.filter(({ name }) => name !== own),
  );
}

export function peer(name: SystemName, options: Partial<Peer> = {}): Peer {
  return {
    name,
    root: `http://${name}.invalid/xcap-root`,
    provide: true,
    accept: true,
    request: true,
    answer: true,
    reportModifications: false,
    groups: new Set(),
    ...options,
  };
}

export function peers(...known: readonly Peer[]): Peers {
  return new Map(known.map((one) => [one.name, one]));
}

export const joint = 'sip:joint@police.example' as GroupId;
export const jointName = nameOfGroup(joint);

export function tree(text: string): GatedText {
  return gateText(text, limits);
}

export function delivery(changes: Partial<Delivery> = {}): Delivery {
  return { ...firstDelivery, behind: changes.status === 'delivered' ? 0 : 1, ...changes };
}

/** The state of a group of our own with this text. */
export function ownState(
  text: string,
  deliveries: DocumentState['deliveries'] = {},
  etag = systemRandom.token(),
): DocumentState {
  const current = { etag: etag as ETag, body: text, modified: 0 };
  return { auid: groupsAuid, current, received: null, deliveries };
}

/** What of a state a put says. */
export function contentOf({ auid, current, received }: DocumentState): Content {
  return { auid, current, received };
}

/** The state of a group that `system` has provided. */
export function receivedState(text: string, system: SystemName, effective = text): DocumentState {
  const received: Received = {
    etag: systemRandom.token() as ETag,
    body: text,
    modified: 0,
    system,
    upstreamETag: null,
    modifications: [],
  };
  return { ...ownState(effective), received };
}

/** A store in memory that keeps the contract as far as one process can tell, and fails on demand. */
export class MemoryStore implements Store<DocumentState> {
  readonly writable = true;
  readonly #records = new Map<RecordKey, StoreRecord<DocumentState>>();
  readonly #places = new Map<RecordKey, number>();
  readonly #sums = new SumsOver(() => this.#records.values(), documentTally);
  /** Thrown by commits and removals as long as it is there. */
  failure: Error | undefined;
  /** Runs before each commit. */
  before: () => Promise<void> = () => Promise.resolve();

  get(key: RecordKey): Promise<StoreRecord<DocumentState> | undefined> {
    return Promise.resolve(this.#records.get(key));
  }

  keyOfName(name: string): RecordKey | undefined {
    return [...this.#records.values()].find(({ names }) => names.includes(name))?.key;
  }

  keysOfTerm(term: string, page: PageOf): Page<KeyedLabels> {
    const found = [...this.#records.values()].filter(({ terms }) => terms.includes(term));
    return pageOf(found, page, ({ key }) => this.#place(key));
  }

  labelsOf(key: RecordKey): StoreRecord<DocumentState> | undefined {
    return this.#records.get(key);
  }

  keys(page: PageOf): Page<KeyedLabels> {
    return pageOf([...this.#records.values()], page, ({ key }) => this.#place(key));
  }

  sumOf(account: Account): readonly number[] {
    return this.#sums.sumOf(account);
  }

  sumsOf(kind: string, page: PageOf): Page<Sum> {
    return this.#sums.sumsOf(kind, page);
  }

  async commit(
    key: RecordKey,
    expected: number | 'absent',
    content: RecordContent<DocumentState>,
  ): Promise<StoreRecord<DocumentState>> {
    await this.before();
    this.#check(key, expected);
    const revision = (this.#records.get(key)?.revision ?? 0) + 1;
    const record = { ...content, key, revision };
    this.#records.delete(key);
    this.#records.set(key, record);
    if (!this.#places.has(key)) this.#places.set(key, this.#places.size);
    return record;
  }

  async remove(key: RecordKey, expected: number): Promise<void> {
    await this.before();
    this.#check(key, expected);
    this.#records.delete(key);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Records are listed in the order in which they first came. */
  #place(key: RecordKey): string {
    return String(this.#places.get(key)).padStart(9, '0');
  }

  #check(key: RecordKey, expected: number | 'absent'): void {
    if (this.failure !== undefined) throw this.failure;
    if ((this.#records.get(key)?.revision ?? 'absent') !== expected) {
      throw new CommitConflict('revision', 'the record has changed');
    }
  }
}

type Answer = OutboundAnswer | Error | Promise<OutboundAnswer>;

/** Answers as it is told, and keeps what it was asked. */
export class ScriptedClient {
  readonly requests: OutboundRequest[] = [];
  readonly #script: Answer[] = [];
  readonly #waiting = new Set<() => void>();
  otherwise: (request: OutboundRequest) => Answer = () => answer(500);

  answers(...given: Answer[]): this {
    this.#script.push(...given);
    return this;
  }

  async send(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundAnswer> {
    this.requests.push(request);
    for (const notify of [...this.#waiting]) notify();
    const given = this.#script.shift() ?? this.otherwise(request);
    if (given instanceof Error) throw given;
    const late = new NoAnswer('no answer in time');
    if (signal?.aborted === true) throw late;
    return await new Promise((resolve, reject) => {
      const end = (): void => {
        reject(late);
      };
      signal?.addEventListener('abort', end);
      void Promise.resolve(given)
        .then(resolve, reject)
        .finally(() => signal?.removeEventListener('abort', end));
    });
  }

  /** The `number`-th request, from 1; already there or yet to come. */
  async request(number: number): Promise<OutboundRequest> {
    for (;;) {
      const request = this.requests[number - 1];
      if (request !== undefined) return request;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}

/** Never comes. */
export const silence = new Promise<OutboundAnswer>(() => undefined);

export function answer(
  status: number,
  headers: OutboundAnswer['headers'] = {},
  body: string | Buffer = '',
): OutboundAnswer {
  return { status, headers, body: { kind: 'whole', bytes: Buffer.from(body) } };
}

/** An answer that the peer's own GMS gives: it names the incarnation of its store. */
export function signed(
  status: number,
  headers: OutboundAnswer['headers'] = {},
  body: string | Buffer = '',
): OutboundAnswer {
  return answer(status, { 'mcgms-incarnation': theirIncarnation, ...headers }, body);
}

/** The Result with which a primary does not provide a group, and its status. */
export function notProvided(code: RefusalCode, groupId: GroupId = joint): OutboundAnswer {
  const refusal = new NotProvided(code);
  const body = writeResult({ kind: 'request', groupId, reason: reasonOf(refusal) });
  return answer(refusal.status, { 'content-type': resultMediaType }, body);
}

/** A group document that came but for its body. */
export function bodiless(fault: NoAnswer): OutboundAnswer {
  return { ...answer(200, { 'content-type': groupMediaType }), body: { kind: 'unusable', fault } };
}

/** Randomness whose fractions are all 0. */
export const steady: Random = { fraction: () => 0, token: () => systemRandom.token() };

interface Verifying {
  readonly schemas: ReturnType<typeof schemas>;
  readonly limits: typeof limits;
}

/** The identity that the system under test asserts to its peers. */
export const identity = 'sip:gms@own.example';

/** The incarnation of its store, and that of a peer's. */
export const incarnation = 'own-incarnation-0001';
export const theirIncarnation = 'their-incarnation-01';

/** Documents over a store in memory, with the plan of deliveries in place. */
export class Parts {
  readonly store = new MemoryStore();
  readonly clock = new ManualClock();
  readonly log = new RecordedLog();
  readonly client = new ScriptedClient();
  /** What peers named as their incarnations, in order. */
  readonly incarnations: (readonly [SystemName, string])[] = [];
  readonly peerClient: PeerClient;
  readonly documents = new Documents(this.store, this.clock, systemRandom, 1 << 20);
  readonly readings = new GroupReadings(1 << 20);
  readonly homes: HomeSystems;
  readonly peers: Peers;

  constructor(own: SystemName, known: Peers) {
    this.homes = homesOf(own);
    this.peers = known;
    this.peerClient = new PeerClient(this.client, this.clientOptions);
    const { homes, documents, readings } = this;
    documents.addHook(createPlan({ homes, peers: known, readings }));
  }

  get clientOptions(): PeerClientOptions {
    const onIncarnation = (system: SystemName, token: string): void => {
      this.incarnations.push([system, token]);
    };
    return { identity, incarnation, schemas: schemas(), limits, clock: this.clock, onIncarnation };
  }

  /** What the parts of a system take of each other. */
  get tools(): Pick<Parts, 'documents' | 'readings' | 'homes' | 'peers' | 'peerClient' | 'clock' | 'log'> &
    Verifying {
    const { documents, readings, homes, peers: known, peerClient, clock, log } = this;
    return { documents, readings, homes, peers: known, peerClient, schemas: schemas(), limits, clock, log };
  }

  /** Puts a group of our own. */
  async put(groupId: GroupId, text: string): Promise<void> {
    const name = nameOfGroup(groupId);
    await this.documents.change(name, () => ({
      kind: 'put',
      placement: { key: name, names: [name] },
      content: contentOf(ownState(text)),
      result: () => undefined,
    }));
  }

  async delete(groupId: GroupId): Promise<void> {
    await this.documents.change(nameOfGroup(groupId), () => ({ kind: 'delete', result: undefined }));
  }

  /** Stores a state as it is. */
  async plant(name: DocumentName, state: DocumentState): Promise<void> {
    const terms = [
      `usage:${state.auid}`,
      ...(state.received === null ? [] : [`received-from:${state.received.system}`]),
      ...Object.entries(state.deliveries).map(([system, { status }]) => `${status}:${system}`),
    ];
    await this.store.commit(name as string as RecordKey, 'absent', { names: [name], terms, data: state });
  }

  async state(groupId: GroupId = joint): Promise<DocumentState | undefined> {
    return (await this.documents.find(nameOfGroup(groupId)))?.state;
  }

  receiver(derive: Derive): Receiver {
    const { documents, homes, log } = this;
    const usage = groupUsageOf('fire.example', { homes });
    const deriveLater = (): void => undefined;
    return new Receiver({
      documents,
      homes,
      judge: new JudgeHere({ schemas: schemas(), limits }),
      usage,
      derive,
      deriveLater,
      log,
    });
  }
}

/** How a requester asks; fast enough for any test. */
export const requestSettings: RequestSettings = {
  fetchDeadline: 5000,
  refusalMemory: 1000,
  fetchRate: 100_000,
};

/** A policy that changes nothing. */
export const unchanged: Derive = (_system, _groupId, text) =>
  Promise.resolve({ text, modifications: [], omitted: 0, isCurrent: () => true });
