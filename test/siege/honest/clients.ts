import { setMaxListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { inParallel } from '../../../src/base/in-parallel.js';
import { groupMediaType } from '../../../src/groups/names.js';
import { groupText } from '../../support/group-text.js';
import { send } from '../../support/raw-http.js';
import {
  administratorOf,
  documentPath,
  domains,
  fetchingUser,
  gmsOf,
  listsType,
  mcServiceServer,
  members,
  onTheWire,
  pathOfGroup,
  userOf,
  type Asked,
} from '../cast.js';
import type { Ports } from '../scene.js';
import { HonestClient, hasStatus, holds, readPatiently, type Sample } from './requests.js';
import { WrittenDocument } from './written-document.js';

/**
 * Ten honest clients of the besieged server: five members who read groups, the administrator who writes them, a user
 * who keeps a contact list, an MC service server that reads, and a user and an MC service server who fetch groups of
 * the rescue service (TS 23.280 clause 10.2.7.3). The fire brigade's administrator changes groups at home, which its
 * GMS provides to the besieged server (clause 10.2.7.2).
 */

/** Milliseconds between two requests of a client. */
const thinking = 100;

const counts = { read: 10, local: 4, shared: 4, provided: 4 } as const;

/** Fetches of one client in a second, at most. */
const fetchesPerSecond = 4;

const idOf = (system: keyof typeof domains, name: string): string => `sip:${name}@${domains[system]}`;

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, number) => number);

/** How long a change took from one system to the other, in milliseconds; at least that long where it is still on its way. */
export interface Arrival {
  readonly what: 'from a peer' | 'to a peer';
  readonly milliseconds: number;
}

export interface HonestReport {
  readonly samples: readonly Sample[];
  readonly arrivals: readonly Arrival[];
}

export class HonestClients {
  readonly #ports: Ports;
  readonly #ended = new AbortController();
  readonly #clients: HonestClient[] = [];
  readonly #arrivals: Arrival[] = [];
  readonly #local: readonly WrittenDocument[];
  readonly #shared: readonly WrittenDocument[];
  readonly #provided: readonly WrittenDocument[];
  readonly #contacts: WrittenDocument;
  readonly #watched = new Set<WrittenDocument>();
  /** On kept connections, as a peer has them: what a newcomer waits for is another question. */
  readonly #watchers = new Map<number, HonestClient>();
  #work: Promise<unknown> = Promise.resolve();
  #fetched = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
    setMaxListeners(0, this.#ended.signal);
    const group = (home: 'police' | 'fire', name: string, listed: readonly string[]): WrittenDocument => {
      const id = idOf(home, name);
      return new WrittenDocument(
        { path: pathOfGroup(id), as: administratorOf(home), type: groupMediaType },
        (number) => groupText({ id, members: listed, name: `change ${number}` }),
      );
    };
    const both = [...members, idOf('fire', 'boat-1')];
    this.#local = numbers(counts.local).map((number) => group('police', `local-${number}`, members));
    this.#shared = numbers(counts.shared).map((number) =>
      group('police', `shared-${number}`, [...members, idOf('rescue', 'paramedic-1')]),
    );
    this.#provided = numbers(counts.provided).map((number) => group('fire', `provided-${number}`, both));
    const owner = userOf('contacts');
    this.#contacts = new WrittenDocument(
      { path: documentPath('resource-lists', owner, 'index'), as: owner, type: listsType },
      (number) =>
        `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="change-${number}"/></resource-lists>`,
    );
  }

  /** Puts what is there before the siege. @param seconds how long it is to last */
  async prepare(seconds: number): Promise<void> {
    const { police, fire, rescue } = this.#ports;
    const put = async (port: number, home: 'police' | 'rescue', id: string, listed: readonly string[]) => {
      const asked = { method: 'PUT', path: pathOfGroup(id), as: administratorOf(home), type: groupMediaType };
      const body = groupText({ id, members: listed });
      const { status, text } = await send(port, onTheWire({ ...asked, body }));
      if (status !== 201) throw new Error(`${id}: ${status} ${text}`);
    };
    for (const number of numbers(counts.read)) {
      await put(police, 'police', idOf('police', `read-${number}`), members);
    }
    // As many as two clients may ask for.
    const fetched = numbers(Math.ceil((seconds + 5) * fetchesPerSecond * 2));
    await inParallel(fetched, 8, this.#ended.signal, (number) =>
      put(rescue, 'rescue', idOf('rescue', `fetched-${number}`), [fetchingUser]),
    );
    const [ours, theirs] = [new HonestClient(police), new HonestClient(fire)];
    for (const document of [...this.#local, ...this.#shared, this.#contacts]) await document.write(ours, '');
    for (const document of this.#provided) await document.write(theirs, '');
    ours.close();
    theirs.close();
    const problems = await this.untilEqual(20_000);
    if (problems.length > 0) throw new Error(`not equal before the siege: ${problems.join('; ')}`);
  }

  begin(): void {
    const { police, fire } = this.#ports;
    const client = (port: number): HonestClient => {
      const made = new HonestClient(port, this.#ended.signal);
      this.#clients.push(made);
      return made;
    };
    const contacts = client(police);
    this.#work = Promise.all([
      ...members.map((member, at) => this.#read(client(police), 'a member reads a group', member, at)),
      this.#read(client(police), 'an MC service server reads a group', mcServiceServer, 5),
      this.#administrate(client(police)),
      this.#repeat(() => this.#contacts.write(contacts, 'a user writes contacts')),
      this.#fetch(client(police), 'a user fetches a group', fetchingUser),
      this.#fetch(client(police), 'an MC service server fetches a group', mcServiceServer),
      this.#changeAtHome(client(fire)),
    ]);
  }

  /** Ends the work; what is under way is waited for. */
  async end(): Promise<HonestReport> {
    this.#ended.abort();
    await this.#work;
    for (const client of [...this.#clients, ...this.#watchers.values()]) client.close();
    // What the fire brigade answers its own administrator says nothing about the siege.
    const samples = this.#clients.flatMap((client) => client.samples);
    return { samples: samples.filter(({ what }) => !what.startsWith(atHome)), arrivals: this.#arrivals };
  }

  /** What is wrong with what was acknowledged. */
  async lost(): Promise<readonly string[]> {
    const { police, fire } = this.#ports;
    const ours = [...this.#local, ...this.#shared, this.#contacts].map((document) => document.check(police));
    const theirs = this.#provided.map((document) => document.check(fire));
    return (await Promise.all([...ours, ...theirs])).filter((problem) => problem !== undefined);
  }

  /** Waits until partners hold what their primaries hold. @returns what is still unequal when time is up */
  async untilEqual(milliseconds: number): Promise<readonly string[]> {
    const end = performance.now() + milliseconds;
    for (;;) {
      const { police, fire, rescue } = this.#ports;
      const problems = [
        ...(await unequal(this.#shared, 'police', police, rescue)),
        ...(await unequal(this.#provided, 'fire', fire, police)),
      ];
      if (problems.length === 0 || performance.now() > end) return problems;
      await pause(200);
    }
  }

  async #repeat(work: () => Promise<unknown>, wait: number = thinking): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await work();
      await pause(wait, undefined, { signal: this.#ended.signal }).catch(() => undefined);
    }
  }

  /** Reads one group after the other: all of it, a part of it, and whether it has changed. */
  async #read(client: HonestClient, what: string, as: string, first: number): Promise<void> {
    let turn = first;
    await this.#repeat(async () => {
      turn += 1;
      const id = idOf('police', `read-${turn % counts.read}`);
      const asked: Asked = { method: 'GET', path: pathOfGroup(id), as };
      const { answer } = await client.ask(what, asked, holds(`uri="${id}"`));
      const etag = answer?.headers.etag;
      if (etag === undefined) return;
      const conditional = { ...asked, headers: { 'If-None-Match': etag } };
      await client.ask(`${what}, conditionally`, conditional, hasStatus(304));
      const part = { ...asked, path: `${asked.path}/~~/group/list-service/list/entry%5B2%5D` };
      await client.ask(`${what}, one entry`, part, holds('<entry'));
    });
  }

  async #administrate(client: HonestClient): Promise<void> {
    const documents = [...this.#local, ...this.#shared];
    let turn = 0;
    await this.#repeat(async () => {
      const document = documents[(turn += 1) % documents.length];
      const isShared = document !== undefined && this.#shared.includes(document);
      if (!(await document?.write(client, 'the administrator writes a group')) || !isShared) return;
      void this.#watch('to a peer', document, this.#ports.rescue, 'police');
    });
  }

  async #fetch(client: HonestClient, what: string, as: string): Promise<void> {
    await this.#repeat(async () => {
      const id = idOf('rescue', `fetched-${(this.#fetched += 1)}`);
      await client.ask(what, { method: 'GET', path: pathOfGroup(id), as }, holds(`uri="${id}"`));
    }, 1000 / fetchesPerSecond);
  }

  async #changeAtHome(client: HonestClient): Promise<void> {
    let turn = 0;
    await this.#repeat(async () => {
      const document = this.#provided[(turn += 1) % this.#provided.length];
      if (!(await document?.write(client, atHome)) || document === undefined) return;
      await this.#watch('from a peer', document, this.#ports.police, 'fire');
    }, 500);
  }

  /** Notes when a change of a group has come to its partner. One change of a group is watched at a time. */
  async #watch(
    what: Arrival['what'],
    document: WrittenDocument,
    port: number,
    primary: 'police' | 'fire',
  ): Promise<void> {
    const text = document.certain;
    if (text === undefined || this.#watched.has(document)) return;
    this.#watched.add(document);
    const number = changeIn(text);
    const watcher = this.#watchers.get(port) ?? new HonestClient(port);
    this.#watchers.set(port, watcher);
    const began = performance.now();
    for (;;) {
      const asked = { method: 'GET', path: document.path, as: gmsOf(primary) };
      const { answer } = await watcher.ask('', asked, () => undefined);
      // Of two changes in a row the partner may be sent the second one only.
      const hasArrived = answer?.status === 200 && changeIn(answer.text) >= number;
      const milliseconds = performance.now() - began;
      if (hasArrived || milliseconds > longestWatch || this.#ended.signal.aborted) {
        this.#arrivals.push({ what, milliseconds });
        break;
      }
      await pause(100);
    }
    this.#watched.delete(document);
  }
}

const atHome = 'at home';

/** Milliseconds for which a change is watched on its way. */
const longestWatch = 30_000;

function changeIn(text: string): number {
  return Number(/>change (\d+)</.exec(text)?.[1] ?? NaN);
}

/** Groups of which a partner holds other bytes than their primary. */
async function unequal(
  documents: readonly WrittenDocument[],
  primary: 'police' | 'fire',
  there: number,
  here: number,
): Promise<readonly string[]> {
  const get = async (port: number, path: string, as: string): Promise<string> => {
    const answer = await readPatiently(port, { method: 'GET', path, as });
    return answer === undefined ? 'no answer' : `${answer.status} ${answer.text}`;
  };
  const found: string[] = [];
  for (const { path } of documents) {
    const original = await get(there, path, administratorOf(primary));
    const copy = await get(here, path, gmsOf(primary));
    if (original !== copy) found.push(`${path}: the partner holds ${copy.slice(0, 3)}, not the same bytes`);
  }
  return found;
}
