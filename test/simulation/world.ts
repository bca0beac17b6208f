import type { DocumentName, GroupId, SystemName } from '../../src/base/identifiers.js';
import type { DocumentState, Received } from '../../src/documents/state.js';
import { groupIdOfName, groupMediaType, groupsAuid, nameOfGroup } from '../../src/groups/names.js';
import type { XcapAnswer } from '../../src/http/messages.js';
import type { OutboundRequest } from '../../src/outbound/client.js';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { policyAuid } from '../../src/policy/usage.js';
import type { RecordKey } from '../../src/store/store.js';
import { mediaTypes } from '../../src/xcap/media-types.js';
import { Dice } from './dice.js';
import { Disk } from './disk.js';
import { SimulatedNetwork, toXcapRequest, type Arrival } from './network.js';
import { named } from './named-record.js';
import { Site, type SiteSettings } from './site.js';
import {
  editedText,
  groupIdOf,
  groupText,
  identityOf,
  listsMemberOf,
  originOf,
  policyText,
  rootOf,
  systemName,
  versionOf,
  type PolicyKind,
} from './texts.js';
import { SimulatedTime } from './time.js';

/**
 * Several MC systems, the network between them, and what their administrators were told is done. The world
 * watches everything that becomes durable and every request that is answered, and keeps what must never
 * have happened.
 */

/** What a document may be, as far as an administrator can know: one text, or several where no answer came. */
class Register {
  candidates = new Set<string | null>([null]);
  pending: { readonly text: string | null } | undefined;

  begin(text: string | null): { readonly text: string | null } {
    this.pending = { text };
    return this.pending;
  }

  acknowledged(operation: { readonly text: string | null }): void {
    if (this.pending !== operation) return;
    this.pending = undefined;
    this.candidates = new Set([operation.text]);
  }

  /** It was done, or it was not. */
  unresolved(operation = this.pending): void {
    if (operation === undefined || this.pending !== operation) return;
    this.pending = undefined;
    this.candidates.add(operation.text);
  }
}

export interface NewGroup {
  readonly members: readonly number[];
  readonly priority: number;
}

export type Reader = 'unit' | 'clerk' | 'server';

/** Where a copy may differ for good, and why; see `World.exempt`. */
export type Exemption = 'no delivery known' | 'late PUT';

export class World {
  readonly time = new SimulatedTime();
  readonly network: SimulatedNetwork;
  readonly sites: readonly Site[];
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  readonly #registers = new Map<string, Register>();
  /** Every text that has ever been durable at the group's home. */
  readonly #texts = new Map<string, Set<string>>();
  /** Groups that were ever shared by name: `home partner group`. */
  readonly #shared = new Set<string>();
  readonly #latest = new Map<string, number>();
  readonly #exempt = new Map<string, Set<Exemption>>();
  readonly #sent: { readonly from: string; readonly request: OutboundRequest }[] = [];
  /** Late provisions that are being judged: `home partner group`. */
  readonly #latePuts = new Map<string, number>();
  /** The body of the newest provision, or null for a withdrawal: `from to group`. */
  readonly #lastSent = new Map<string, string | null>();
  #version = 0;

  constructor(seed: number, settings: readonly SiteSettings[]) {
    const dice = new Dice(seed);
    this.network = new SimulatedNetwork(this.time, dice.fork(), {
      sent: (from, to, request) => {
        this.#onSent(from, to, request);
      },
      arriving: (from, to, request, late) => {
        this.#onArriving(from, to, request, late);
      },
      answered: (arrival) => {
        this.#onAnswered(arrival);
      },
    });
    const note = (line: string): void => {
      this.note(line);
    };
    this.sites = settings.map((setting, index) => {
      const disk = new Disk<DocumentState>((before, after) => {
        this.#onDurable(index, (after ?? before)?.key, named(before?.data), named(after?.data));
      });
      const surroundings = { time: this.time, dice: dice.fork(), network: this.network, note };
      const site = new Site(index, setting, disk, surroundings);
      this.network.connect(originOf(index), site);
      return site;
    });
  }

  note(line: string): void {
    const seconds = ((this.time.now - Date.UTC(2026, 0, 1)) / 1000).toFixed(3);
    this.trace.push(`${seconds.padStart(10)} ${line}`);
  }

  violated(what: string): void {
    this.note(`VIOLATION: ${what}`);
    this.violations.push(what);
  }

  site(index: number): Site {
    const site = this.sites[index];
    if (site === undefined) throw new Error(`there is no system ${index}`);
    return site;
  }

  start(index: number, settings?: SiteSettings): void {
    const site = this.site(index);
    if (site.isUp) return;
    site.start(settings);
    for (const [other, peer] of Object.entries(site.settings.peers)) {
      for (const group of peer.known ? peer.shared : []) this.#shared.add(`${index} ${other} ${group}`);
      if (peer.known) continue;
      // Nobody can tell it anything any more, and nobody will know what it was told.
      for (const group of this.groupsAt(index)) this.#mark(index, Number(other), group, 'no delivery known');
    }
  }

  crash(index: number): void {
    this.site(index).crash();
    for (const [name, register] of this.#registers) {
      if (name.startsWith(`${index} `)) register.unresolved();
    }
  }

  // -------------------------------------------------------------------------------------------------
  // What administrators and users do

  async put(home: number, number: number, { members, priority }: NewGroup): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    this.#version += 1;
    const text = groupText({ groupId, version: this.#version, members, priority });
    const path = pathOf(groupId);
    return await this.#write(home, path, text, {
      method: 'PUT',
      path,
      body: text,
      type: groupMediaType,
      told: `puts ${groupId} version ${this.#version} for ${members.join(' ')} with priority ${priority}`,
    });
  }

  /** Replaces the display-name alone. */
  async edit(home: number, number: number): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    const path = pathOf(groupId);
    const former = this.#known(home, path, this.documentOf(home, groupId));
    if (former === undefined || former === null) return undefined;
    this.#version += 1;
    const { element, text } = editedText(former, this.#version);
    return await this.#write(home, path, text, {
      method: 'PUT',
      path: `${path}/~~/group/list-service/display-name`,
      body: element,
      type: mediaTypes.element,
      told: `edits ${groupId} to version ${this.#version}`,
    });
  }

  async delete(home: number, number: number): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    const path = pathOf(groupId);
    const former = this.#known(home, path, this.documentOf(home, groupId));
    if (former === undefined || former === null) return undefined;
    return await this.#write(home, path, null, { method: 'DELETE', path, told: `deletes ${groupId}` });
  }

  async putPolicy(
    index: number,
    name: string,
    kind: PolicyKind,
    number: number,
  ): Promise<number | undefined> {
    const text = policyText(kind, index, number);
    const path = policyPath(name);
    return await this.#write(index, path, text, {
      method: 'PUT',
      path,
      body: text,
      type: policyMediaType,
      told: `puts policy ${name}: ${kind} ${number}`,
    });
  }

  async deletePolicy(index: number, name: string): Promise<number | undefined> {
    const path = policyPath(name);
    const stored = this.policiesOf(index).find(([key]) => key.endsWith(`/${name}.xml`));
    const former = this.#known(index, path, stored?.[1] ?? null);
    if (former === undefined || former === null) return undefined;
    return await this.#write(index, path, null, { method: 'DELETE', path, told: `deletes policy ${name}` });
  }

  /** A user or server of system `index` reads a group of system `home`. */
  async read(index: number, home: number, number: number, reader: Reader): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    const identity = identityOf(index, reader);
    this.note(`${identity} reads ${groupId}`);
    const answer = await this.#ask(index, identity, { method: 'GET', path: pathOf(groupId) });
    if (answer === undefined) return undefined;
    const { status, body = '' } = answer;
    this.note(`${identity} has ${status} for ${groupId}`);
    if (![200, 403, 404, 502, 503].includes(status)) {
      this.violated(`${identity} got ${status} for ${groupId}`);
    }
    if (status === 200 && reader !== 'server' && !listsMemberOf(body.toString(), index)) {
      this.violated(`${identity} read ${groupId}, which does not list it`);
    }
    return status;
  }

  /** Tries again everything that is parked or pauses, everywhere. */
  async retryAll(): Promise<void> {
    for (const site of this.sites) {
      for (const other of this.sites) {
        await site.deliveries?.retry(other.name as SystemName);
      }
    }
  }

  /** A system sends a document that it was never asked for and that is not its own. */
  forge(from: number, to: number, home: number, number: number): void {
    const groupId = groupIdOf(home, number);
    const body = groupText({ groupId, version: 999_999, members: [from, to], priority: 1 });
    this.network.inject(systemName(from), this.#peerRequest(from, to, groupId, 'PUT', body), 3);
  }

  /** A system asks for a group that may not be for it. */
  probe(from: number, to: number, home: number, number: number): void {
    const groupId = groupIdOf(home, number);
    this.network.inject(systemName(from), this.#peerRequest(from, to, groupId, 'GET'), 3);
  }

  /** A request of before arrives once more. */
  replay(choice: number, delay: number): void {
    const known = this.#sent[choice % Math.max(1, this.#sent.length)];
    if (known !== undefined) this.network.inject(known.from, known.request, delay);
  }

  // -------------------------------------------------------------------------------------------------
  // What stands where

  recordAt(index: number, groupId: string): DocumentState | undefined {
    const key = nameOfGroup(groupId as GroupId) as string as RecordKey;
    return named(this.site(index).disk.records.get(key)?.data);
  }

  /** The document of a group at its home. */
  documentOf(home: number, groupId: string): string | null {
    return this.recordAt(home, groupId)?.current?.body ?? null;
  }

  receivedAt(index: number, groupId: string): Received | undefined {
    return this.recordAt(index, groupId)?.received ?? undefined;
  }

  effectiveAt(index: number, groupId: string): string | undefined {
    return this.recordAt(index, groupId)?.current?.body;
  }

  /** The stored policies of a system with their names, in the order of these. */
  policiesOf(index: number): readonly (readonly [string, string])[] {
    const found = [...this.site(index).disk.records.values()].filter(({ data }) => data.auid === policyAuid);
    const texts = found.flatMap(({ key, data }) =>
      data.current === null ? [] : [[key as string, data.current.body] as const],
    );
    return texts.sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Every group that was ever put at `home`. */
  groupsAt(home: number): readonly string[] {
    return [...this.#texts.keys()].filter((groupId) => homeOf(groupId) === home);
  }

  /** What an administrator of `index` knows of a document. */
  candidatesAt(index: number, groupId: string): ReadonlySet<string | null> {
    return this.#register(index, pathOf(groupId)).candidates;
  }

  policyCandidates(index: number): ReadonlyMap<string, ReadonlySet<string | null>> {
    const found = [...this.#registers].filter(([name]) => name.startsWith(`${index} ${policyFolder}`));
    return new Map(found.map(([name, { candidates }]) => [name.slice(`${index} /`.length), candidates]));
  }

  exemptions(home: number, partner: number, groupId: string): ReadonlySet<Exemption> {
    return this.#exempt.get(`${home} ${partner} ${groupId}`) ?? new Set();
  }

  /** What `from` was the last to send: the text, null for a withdrawal, undefined for nothing. */
  lastSent(from: number, to: number, groupId: string): string | null | undefined {
    return this.#lastSent.get(`${from} ${to} ${groupId}`);
  }

  // -------------------------------------------------------------------------------------------------

  #register(index: number, path: string): Register {
    const name = `${index} ${path}`;
    const known = this.#registers.get(name) ?? new Register();
    this.#registers.set(name, known);
    return known;
  }

  /** The text that a change can build on; undefined where it cannot be known at present. */
  #known(index: number, path: string, stored: string | null): string | null | undefined {
    const site = this.site(index);
    const register = this.#register(index, path);
    if (!site.isUp || site.isBroken || register.pending !== undefined) return undefined;
    if (!register.candidates.has(stored)) {
      this.violated(`${site.name} ${path} is none of what its administrator was told`);
    }
    register.candidates = new Set([stored]);
    return stored;
  }

  async #write(
    index: number,
    register: string,
    text: string | null,
    request: {
      readonly method: 'PUT' | 'DELETE';
      readonly path: string;
      readonly body?: string;
      readonly type?: string;
      readonly told: string;
    },
  ): Promise<number | undefined> {
    const site = this.site(index);
    const known = this.#register(index, register);
    if (!site.isUp || known.pending !== undefined) return undefined;
    const operation = known.begin(text);
    this.note(`${site.name} ${request.told}`);
    const answer = await this.#ask(index, identityOf(index, 'admin'), request);
    if (answer === undefined) return undefined;
    const { status } = answer;
    this.note(`${site.name} answers ${status}: ${request.told}`);
    if (status === 200 || status === 201) known.acknowledged(operation);
    else known.unresolved(operation);
    if (status < 500 && status >= 300) {
      this.violated(`${site.name} refuses its administrator with ${status}: ${request.told}`);
    }
    if (status === 500) this.violated(`${site.name} answers 500: ${request.told}`);
    return status;
  }

  async #ask(
    index: number,
    identity: string,
    request: {
      readonly method: OutboundRequest['method'];
      readonly path: string;
      readonly body?: string;
      readonly type?: string;
    },
  ): Promise<XcapAnswer | undefined> {
    const { method, path, body, type } = request;
    const headers = {
      'X-3GPP-Asserted-Identity': identity,
      ...(type === undefined ? {} : { 'Content-Type': type }),
    };
    const url = `${rootOf(index)}${path}`;
    return await this.site(index).handle?.(
      toXcapRequest({ method, url, headers, ...(body === undefined ? {} : { body }) }),
    );
  }

  #peerRequest(
    from: number,
    to: number,
    groupId: string,
    method: 'GET' | 'PUT',
    body?: string,
  ): OutboundRequest {
    return {
      method,
      url: `${rootOf(to)}${pathOf(groupId)}`,
      headers: {
        'X-3GPP-Asserted-Identity': identityOf(from, 'gms'),
        ...(body === undefined ? {} : { 'Content-Type': groupMediaType, 'If-None-Match': '*' }),
      },
      ...(body === undefined ? {} : { body }),
    };
  }

  /** Whether `partner` was ever to hold a group with this text. */
  #isFor(home: number, partner: number, groupId: string, text: string): boolean {
    return listsMemberOf(text, partner) || this.#shared.has(`${home} ${partner} ${groupId}`);
  }

  #mark(home: number, partner: number, groupId: string, why: Exemption): void {
    const name = `${home} ${partner} ${groupId}`;
    const known = this.#exempt.get(name) ?? new Set();
    this.#exempt.set(name, known.add(why));
  }

  #unmark(home: number, partner: number, groupId: string, why: Exemption): void {
    this.#exempt.get(`${home} ${partner} ${groupId}`)?.delete(why);
  }

  #onSent(from: string, to: string, request: OutboundRequest): void {
    const groupId = groupIdOfUrl(request.url);
    this.note(`${from} > ${to} ${describeRequest(request)}`);
    if (request.method === 'GET') return;
    this.#lastSent.set(
      `${indexOf(from)} ${indexOf(to)} ${groupId}`,
      request.method === 'DELETE' ? null : (request.body ?? '').toString(),
    );
    this.#sent.push({ from, request });
  }

  #onArriving(from: string, to: string, request: OutboundRequest, late: boolean): void {
    const groupId = groupIdOfUrl(request.url);
    this.note(`${to} < ${from} ${describeRequest(request)}${late ? ' LATE' : ''}`);
    if (late && request.method === 'PUT') this.#countLatePut(indexOf(from), indexOf(to), groupId, 1);
  }

  #countLatePut(home: number, partner: number, groupId: string, change: 1 | -1): void {
    const name = `${home} ${partner} ${groupId}`;
    this.#latePuts.set(name, (this.#latePuts.get(name) ?? 0) + change);
  }

  #onAnswered({ from, to, request, late, answer }: Arrival): void {
    const { status, body = '' } = answer;
    const groupId = groupIdOfUrl(request.url);
    const [sender, receiver] = [indexOf(from), indexOf(to)];
    const home = homeOf(groupId);
    this.note(`${to} answers ${from} ${status} to ${describeRequest(request)}`);
    if (status === 500) this.violated(`${to} answers 500 to ${describeRequest(request)}`);
    if (late && request.method === 'PUT') this.#countLatePut(sender, receiver, groupId, -1);
    if (request.method !== 'GET') {
      if (home !== sender && status < 300) this.violated(`${to} took ${groupId} from ${from}`);
      return;
    }
    if (status !== 200) return;
    if (home !== sender && home !== receiver) {
      this.violated(`${to} gave ${groupId} of another system to ${from}`);
    }
    if (home === receiver) {
      if (!this.#isFor(home, sender, groupId, body.toString())) {
        this.violated(`${to} gave ${groupId} to ${from}, for which it is not`);
      }
      const { deliveries = {} } = this.recordAt(home, groupId) ?? {};
      if (!Object.hasOwn(deliveries, from)) this.#mark(home, sender, groupId, 'no delivery known');
    }
  }

  #onDurable(
    index: number,
    key: RecordKey | undefined,
    before: DocumentState | undefined,
    after: DocumentState | undefined,
  ): void {
    const state = after ?? before;
    const groupId = key === undefined ? undefined : groupIdOfName(key as string as DocumentName);
    if (state?.auid !== groupsAuid || groupId === undefined) return;
    const home = homeOf(groupId);
    const name = systemName(index);
    if (home === index) {
      if (state.received !== null) this.violated(`${name} received ${groupId}, which is its own`);
      for (const partner of Object.keys(after?.deliveries ?? {}).map(indexOf)) {
        const isKnown = this.site(home).settings.peers[partner]?.known === true;
        if (isKnown) this.#unmark(home, partner, groupId, 'no delivery known');
      }
      const texts = this.#texts.get(groupId) ?? new Set();
      this.#texts.set(groupId, texts);
      if (after?.current) texts.add(after.current.body);
      this.note(`${name} keeps ${groupId}: ${describeState(after)}`);
      return;
    }
    this.note(`${name} keeps a copy of ${groupId}: ${describeState(after)}`);
    this.#judgeCopy(index, groupId, after);
  }

  #judgeCopy(index: number, groupId: string, after: DocumentState | undefined): void {
    const name = systemName(index);
    const home = homeOf(groupId);
    const received = after?.received ?? undefined;
    const current = after?.current ?? undefined;
    if (received === undefined && current === undefined) {
      this.#unmark(home, index, groupId, 'late PUT');
      return;
    }
    if (received === undefined || current === undefined) {
      this.violated(`${name} holds one of received and effective of ${groupId} without the other`);
      return;
    }
    const isLate = (this.#latePuts.get(`${home} ${index} ${groupId}`) ?? 0) > 0;
    if (isLate) this.#mark(home, index, groupId, 'late PUT');
    if (received.system !== systemName(home)) {
      this.violated(`${name} holds ${groupId} from ${received.system}`);
    }
    if (this.#texts.get(groupId)?.has(received.body) !== true) {
      this.violated(`${name} holds ${groupId} as it never was`);
    }
    if (!this.#isFor(home, index, groupId, received.body)) {
      this.violated(`${name} holds ${groupId}, which was never for it`);
    }
    const version = versionOf(received.body);
    if (versionOf(current.body) !== version) {
      this.violated(`${name} holds another version of ${groupId} as effective than as received`);
    }
    const latest = this.#latest.get(`${index} ${groupId}`) ?? 0;
    const isNews = !this.exemptions(home, index, groupId).has('late PUT');
    if (version < latest && isNews) {
      this.violated(`${name} goes back from version ${latest} to ${version} of ${groupId}`);
    }
    this.#latest.set(`${index} ${groupId}`, Math.max(version, latest));
  }
}

const groupFolder = `/${groupsAuid}/global/byGroupID/`;
const policyFolder = `/${policyAuid}/global/`;

function pathOf(groupId: string): string {
  return `${groupFolder}${encodeURIComponent(groupId)}`;
}

function policyPath(name: string): string {
  return `${policyFolder}${name}.xml`;
}

function groupIdOfUrl(url: string): string {
  return decodeURIComponent(url.slice(url.indexOf(groupFolder) + groupFolder.length));
}

function indexOf(name: string): number {
  return Number(name.slice(1));
}

export function homeOf(groupId: string): number {
  return Number(/@s(\d+)\./.exec(groupId)?.[1]);
}

function describeRequest({ method, url, headers, body }: OutboundRequest): string {
  const version = body === undefined ? '' : ` version ${versionOf(body.toString())}`;
  const condition = headers['If-Match'] ?? headers['If-None-Match'];
  return `${method} ${groupIdOfUrl(url)}${version}${condition === undefined ? '' : ` if ${condition}`}`;
}

function describeState(state: DocumentState | undefined): string {
  if (state === undefined) return 'nothing';
  const { current, received, deliveries } = state;
  const rows = Object.entries(deliveries).map(
    ([system, { status, behind }]) => `${system} ${status} ${behind}`,
  );
  const version = current === null ? 'deleted' : `version ${versionOf(current.body)}`;
  const copy = received === null ? '' : `, received version ${versionOf(received.body)}`;
  return `${version}${copy}${rows.length > 0 ? ` (${rows.join(', ')})` : ''}`;
}
