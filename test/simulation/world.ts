import type { DocumentName, GroupId, SystemName } from '../../src/base/identifiers.js';
import { sharedWith, type DocumentState, type Received } from '../../src/documents/state.js';
import { groupIdOfName, groupMediaType, groupsAuid, nameOfGroup } from '../../src/groups/names.js';
import type { XcapAnswer } from '../../src/http/messages.js';
import type { OutboundRequest } from '../../src/outbound/client.js';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { policyAuid } from '../../src/policy/usage.js';
import type { RecordKey, StoreRecord } from '../../src/store/store.js';
import { mediaTypes } from '../../src/xcap/media-types.js';
import { Dice } from './dice.js';
import { Disk } from './disk.js';
import { SimulatedNetwork, toXcapRequest, type Arrival } from './network.js';
import { named } from './named-record.js';
import { Site, type SiteSettings } from './site.js';
import {
  editedText,
  groupIdOf,
  groupIdOfUrl,
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

  /** Whatever was under way is over. */
  restored(text: string | null): void {
    this.pending = undefined;
    this.candidates = new Set([text]);
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

/**
 * Why a primary may not know what a partner holds; proof.ts says what follows from it. `fetched`: the partner
 * asked for the group while the primary was not to provide it. `forgotten`: the primary's store was
 * wiped or restored to a state before it gave the group to the partner.
 */
export type Exemption = 'fetched' | 'forgotten';

export class World {
  readonly time = new SimulatedTime();
  readonly network: SimulatedNetwork;
  readonly sites: readonly Site[];
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  readonly #registers = new Map<string, Register>();
  /** Every text that has ever been durable at the group's home. */
  readonly #texts = new Map<string, Set<string>>();
  /** The order in which texts were the document of their group, by version; a restored one is new. */
  readonly #orders = new Map<number, number>();
  #ordered = 0;
  /** Copies that may go, since they were not to be held at some time: `home partner group`. */
  readonly #ended = new Set<string>();
  /** Systems whose store was wiped or restored. */
  readonly #restored = new Set<number>();
  readonly #snapshots = new Map<number, ReadonlyMap<RecordKey, StoreRecord<DocumentState>>>();
  /** Groups that were ever shared by name: `home partner group`. */
  readonly #shared = new Set<string>();
  readonly #latest = new Map<string, number>();
  readonly #exempt = new Map<string, Set<Exemption>>();
  readonly #sent: { readonly from: string; readonly request: OutboundRequest }[] = [];
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
    for (const groupId of this.groupsAt(index)) this.#noteEnds(index, groupId);
    for (const [other, peer] of Object.entries(site.settings.peers)) {
      for (const group of peer.known ? peer.shared : []) this.#shared.add(`${index} ${other} ${group}`);
    }
  }

  /** Takes a backup of a system. */
  backUp(index: number): void {
    this.note(`${this.site(index).name} is backed up`);
    this.#snapshots.set(index, this.site(index).disk.snapshot());
  }

  /**
   * Puts the last backup in the place of what a system has stored, or nothing; it must be down.
   *
   * @param seen whether the system can see it
   */
  restore(index: number, from: 'backup' | 'nothing', seen: boolean): void {
    const site = this.site(index);
    const snapshot = from === 'backup' ? this.#snapshots.get(index) : undefined;
    this.note(`${site.name} is ${snapshot === undefined ? 'wiped' : 'restored'}${seen ? '' : ', unseen'}`);
    site.disk.restore(snapshot ?? new Map(), seen);
    this.#restored.add(index);
    // Its administrators look what is there now.
    for (const [name, register] of this.#registers) {
      if (name.startsWith(`${index} `))
        register.restored(this.#storedAt(index, name.slice(`${index} `.length)));
    }
    for (const name of this.#latest.keys()) {
      if (name.startsWith(`${index} `)) this.#latest.delete(name);
    }
    for (const groupId of this.groupsAt(index)) {
      const state = this.recordAt(index, groupId);
      if (state?.current) this.#orders.set(versionOf(state.current.body), (this.#ordered += 1));
      for (const { index: partner, name } of this.sites) {
        if (partner === index) continue;
        const { deliveries = {} } = state ?? {};
        if (!Object.hasOwn(deliveries, name)) this.#mark(index, partner, groupId, 'forgotten');
      }
    }
  }

  #storedAt(index: number, path: string): string | null {
    const key = path.slice(1) as RecordKey;
    return this.site(index).disk.records.get(key)?.data.current?.body ?? null;
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

  /** Puts the first document of a group again, as it was then, byte for byte. */
  async revert(home: number, number: number): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    const path = pathOf(groupId);
    const [first] = this.#texts.get(groupId) ?? [];
    if (first === undefined) return undefined;
    return await this.#write(home, path, first, {
      method: 'PUT',
      path,
      body: first,
      type: groupMediaType,
      told: `puts ${groupId} version ${versionOf(first)} again`,
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

  /** The operator of `home` shares a group with a system by name, or takes that back. */
  async share(home: number, number: number, other: number, holds: boolean): Promise<number | undefined> {
    const groupId = groupIdOf(home, number);
    const site = this.site(home);
    if (!site.isUp || site.isBroken || site.stillFor > 0) return undefined;
    const told = `${holds ? 'shares' : 'shares no more'} ${groupId} with ${systemName(other)}`;
    this.note(`the operator of ${site.name} ${told}`);
    const url = `${originOf(home)}/operations/shares/${encodeURIComponent(groupId)}/${systemName(other)}`;
    const headers = { 'X-3GPP-Asserted-Identity': identityOf(home, 'admin') };
    const answer = await site.operations?.handle(
      toXcapRequest({ method: holds ? 'PUT' : 'DELETE', url, headers }),
    );
    if (answer !== undefined) this.note(`the operator of ${site.name} has ${answer.status}: ${told}`);
    return answer?.status;
  }

  /** Accepts the removals that were held back, everywhere. */
  async acceptAllRemovals(): Promise<void> {
    for (const site of this.sites) {
      for (const other of this.sites) {
        if (this.heldBackAt(site.index, other.index)) {
          await site.revalidation?.acceptRemovals(other.name as SystemName);
        }
      }
    }
  }

  /** Whether `index` waits for its operator to accept that groups of `home` go. */
  heldBackAt(index: number, home: number): boolean {
    const pass = this.site(index).revalidation?.passes.get(systemName(home) as SystemName);
    return (pass?.heldBack ?? 0) > 0;
  }

  /** Whether requests about a group are poisoned between the two systems, either way. */
  isPoisoned(one: number, other: number, groupId: string): boolean {
    const { poisoned } = this.network;
    const [from, to] = [systemName(one), systemName(other)];
    return poisoned.has(`${from} ${to} ${groupId}`) || poisoned.has(`${to} ${from} ${groupId}`);
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
    if (!site.isUp || site.isBroken || site.stillFor > 0 || register.pending !== undefined) return undefined;
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
    if (!site.isUp || site.stillFor > 0 || known.pending !== undefined) return undefined;
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
    if (this.site(index).stillFor > 0) return undefined;
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
      lane: { to: systemName(to), purpose: 'delivery' },
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
    if (groupId === undefined || !['PUT', 'DELETE'].includes(request.method)) return;
    this.#lastSent.set(
      `${indexOf(from)} ${indexOf(to)} ${groupId}`,
      request.method === 'DELETE' ? null : (request.body ?? '').toString(),
    );
    this.#sent.push({ from, request });
  }

  #onArriving(from: string, to: string, request: OutboundRequest, late: boolean): void {
    this.note(`${to} < ${from} ${describeRequest(request)}${late ? ' LATE' : ''}`);
  }

  #onAnswered({ from, to, request, answer }: Arrival): void {
    const { status, body = '' } = answer;
    const groupId = groupIdOfUrl(request.url);
    const [sender, receiver] = [indexOf(from), indexOf(to)];
    this.note(`${to} answers ${from} ${status} to ${describeRequest(request)}`);
    if (status === 500) this.violated(`${to} answers 500 to ${describeRequest(request)}`);
    if (groupId === undefined) return;
    const home = homeOf(groupId);
    if (request.method === 'PUT' || request.method === 'DELETE') {
      if (home !== sender && status < 300) this.violated(`${to} took ${groupId} from ${from}`);
      return;
    }
    if (status !== 200) return;
    if (home !== sender && home !== receiver) {
      this.violated(`${to} gave ${groupId} of another system to ${from}`);
    }
    if (home === receiver) {
      if (request.method === 'GET' && !this.#isFor(home, sender, groupId, body.toString())) {
        this.violated(`${to} gave ${groupId} to ${from}, for which it is not`);
      }
      const { deliveries = {} } = this.recordAt(home, groupId) ?? {};
      if (!Object.hasOwn(deliveries, from)) this.#mark(home, sender, groupId, 'fetched');
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
        for (const why of ['fetched', 'forgotten'] as const) this.#unmark(home, partner, groupId, why);
      }
      const shares = after === undefined ? [] : sharedWith(after);
      for (const partner of shares.map(indexOf)) this.#shared.add(`${home} ${partner} ${groupId}`);
      const texts = this.#texts.get(groupId) ?? new Set();
      this.#texts.set(groupId, texts);
      if (after?.current) {
        texts.add(after.current.body);
        if (before?.current?.etag !== after.current.etag) {
          this.#orders.set(versionOf(after.current.body), (this.#ordered += 1));
        }
      }
      this.#noteEnds(home, groupId);
      this.note(`${name} keeps ${groupId}: ${describeState(after)}`);
      return;
    }
    this.note(`${name} keeps a copy of ${groupId}: ${describeState(after)}`);
    this.#judgeCopy(index, groupId, before, after);
  }

  /** Whether `partner` is to hold a group now, as its home is configured and has stored it. */
  #isToHold(home: number, partner: number, groupId: string): boolean {
    const state = this.recordAt(home, groupId);
    const text = state?.current?.body;
    const { known = false, shared = [] } = this.site(home).settings.peers[partner] ?? {};
    if (state === undefined || text === undefined || !known) return false;
    if (state.deliveries[systemName(partner)]?.hold === false) return false;
    return (
      listsMemberOf(text, partner) ||
      shared.includes(groupId) ||
      sharedWith(state).includes(systemName(partner))
    );
  }

  /** Notes which partners are to hold a group no more: from now on their copies may go. */
  #noteEnds(home: number, groupId: string): void {
    for (const { index: partner } of this.sites) {
      if (partner === home || this.#isToHold(home, partner, groupId)) continue;
      this.#ended.add(`${home} ${partner} ${groupId}`);
    }
  }

  /** A copy leaves a partner on its primary's word only, which the primary must have had reason to say. */
  #judgeEnd(home: number, partner: number, groupId: string): void {
    if (this.#restored.has(home) || !this.#isToHold(home, partner, groupId)) return;
    if (this.#ended.has(`${home} ${partner} ${groupId}`)) return;
    this.violated(`${systemName(partner)} has lost ${groupId}, which it was to hold all the time`);
  }

  /** A copy does not come back once its withdrawal is acknowledged, unless a store has forgotten that. */
  #judgeReturn(index: number, groupId: string, before: DocumentState | undefined): void {
    const home = homeOf(groupId);
    const state = this.recordAt(home, groupId);
    const isBack = (before?.received ?? undefined) === undefined;
    if (!isBack || this.#restored.has(home) || this.#restored.has(index)) return;
    // Where our header fields do not come through, a late provision stays until the next comparison.
    if (this.network.isRewritten(systemName(home), systemName(index))) return;
    if (state?.deliveries[systemName(index)]?.status !== 'withdrawn') return;
    const text = state.current?.body ?? '';
    const { shared = [] } = this.site(home).settings.peers[index] ?? {};
    const isShared = sharedWith(state).includes(systemName(index)) || shared.includes(groupId);
    if (text !== '' && (listsMemberOf(text, index) || isShared)) return;
    this.violated(`${systemName(index)} has ${groupId} again, although it was withdrawn`);
  }

  #judgeCopy(
    index: number,
    groupId: string,
    before: DocumentState | undefined,
    after: DocumentState | undefined,
  ): void {
    const name = systemName(index);
    const home = homeOf(groupId);
    const received = after?.received ?? undefined;
    const current = after?.current ?? undefined;
    if (received === undefined && current === undefined) {
      if (before?.received) this.#judgeEnd(home, index, groupId);
      return;
    }
    if (received === undefined || current === undefined) {
      this.violated(`${name} holds one of received and effective of ${groupId} without the other`);
      return;
    }
    if (received.system !== systemName(home)) {
      this.violated(`${name} holds ${groupId} from ${received.system}`);
    }
    if (this.#texts.get(groupId)?.has(received.body) !== true) {
      this.violated(`${name} holds ${groupId} as it never was`);
    }
    if (!this.#isFor(home, index, groupId, received.body)) {
      this.violated(`${name} holds ${groupId}, which was never for it`);
    }
    this.#judgeReturn(index, groupId, before);
    const version = versionOf(received.body);
    if (versionOf(current.body) !== version) {
      this.violated(`${name} holds another version of ${groupId} as effective than as received`);
    }
    // Policies make other effective documents of what was received before.
    if (before?.received?.etag === received.etag) return;
    if (this.#isToHold(home, index, groupId)) this.#ended.delete(`${home} ${index} ${groupId}`);
    const order = this.#orders.get(version) ?? 0;
    const latest = this.#latest.get(`${index} ${groupId}`) ?? 0;
    if (order < latest) this.violated(`${name} goes back to version ${version} of ${groupId}`);
    this.#latest.set(`${index} ${groupId}`, Math.max(order, latest));
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

function indexOf(name: string): number {
  return Number(name.slice(1));
}

export function homeOf(groupId: string): number {
  return Number(/@s(\d+)\./.exec(groupId)?.[1]);
}

function describeRequest({ method, url, headers, body }: OutboundRequest): string {
  const version = body === undefined ? '' : ` version ${versionOf(body.toString())}`;
  const condition = headers['If-Match'] ?? headers['If-None-Match'];
  const what = groupIdOfUrl(url) ?? url;
  return `${method} ${what}${version}${condition === undefined ? '' : ` if ${condition}`}`;
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
