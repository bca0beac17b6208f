import { later, type Clock } from '../../base/clock.js';
import { describeError } from '../../base/errors.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { Log } from '../../base/log.js';
import { RequestRefused, ServiceUnavailable } from '../../base/refusals.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Modification, Received, StoredDocument } from '../../documents/state.js';
import { groupIdOfName } from '../../groups/names.js';
import type { Peers } from '../../mc-systems/peers.js';
import type { ApplicationUsage } from '../../xcap/usage.js';
import { PolicyFailed } from '../language/errors.js';
import { judgeEffective, type GroupRules } from '../judge-effective.js';
import type { PoliciesInForce } from '../policies-in-force.js';
import type { GroupPreview, Preview } from './preview-document.js';
import { parsePolicy } from '../language/read-policy.js';
import type { PolicyRunner } from '../runner.js';

/**
 * What would change if an administrator put a policy. Every received group is derived on trial, with the
 * policy in the place of the present one, and compared with the form that clients read today.
 * Nothing is stored, and nobody is informed.
 *
 * A policy on trial may do anything, so the trial has a worker of its own and holds up no provision. One trial runs at a time, and for a bounded time. The answer is bounded too: every group that
 * was examined is counted, groups that fail or change come first in the list, and those left out are
 * counted.
 */

/** Milliseconds after which no further group is examined: an answer must come before clients give up. */
const patience = 20_000;

/** The same for a PUT, which has done its work already. */
const patienceOfPut = 2000;

/** Seconds after which to ask again while another trial runs. */
const retryAfter = 10;

/** The most groups, and modifications of one group, that the schema allows. */
const groupsListed = 1000;
const modificationsListed = 100;

/** The most modifications in one answer, and their characters: writing an answer holds up every request. */
const modificationsInAll = 3000;
const charactersListed = 1024 * 1024;
const reasonLength = 1000;

export interface PreviewTools {
  readonly documents: Pick<Documents, 'keysOf' | 'get'>;
  readonly peers: Peers;
  readonly policies: Pick<PoliciesInForce, 'textsWith'>;
  /** A runner of its own: a policy on trial may run away. */
  readonly runner: Pick<PolicyRunner, 'run'>;
  /** The usage that judges policies, as when they are put. */
  readonly policyUsage: ApplicationUsage;
  readonly rules: GroupRules;
  readonly clock: Clock;
  readonly log: Log;
}

function characters({ template, path, before, after }: Modification): number {
  return template.length + path.length + (before?.length ?? 0) + (after?.length ?? 0);
}

/** The modifications of `some` that are not among `others`. */
function without(some: readonly Modification[], others: readonly Modification[]): readonly Modification[] {
  const name = ({ template, path, before, after }: Modification): string =>
    JSON.stringify([template, path, before, after]);
  const known = new Set(others.map(name));
  return some.filter((modification) => !known.has(name(modification)));
}

/** Counts groups, and keeps those that there is room for. */
class Collection {
  readonly #notable: GroupPreview[] = [];
  readonly #unchanged: GroupPreview[] = [];
  readonly counts = { unchanged: 0, changed: 0, failing: 0 };
  /** How many groups there are. */
  total = 0;
  /** How many records were found to be no received group any more. */
  gone = 0;
  #room = charactersListed;
  #left = modificationsInAll;

  add(group: GroupPreview): void {
    this.counts[group.outcome] += 1;
    if (group.outcome === 'unchanged') {
      if (this.#unchanged.length < groupsListed) this.#unchanged.push(group);
    } else if (this.#notable.length < groupsListed) {
      this.#notable.push(group.outcome === 'changed' ? this.#fitted(group) : group);
    }
  }

  get notExamined(): number {
    const { unchanged, changed, failing } = this.counts;
    return this.total - this.gone - unchanged - changed - failing;
  }

  get listed(): readonly GroupPreview[] {
    return [...this.#notable, ...this.#unchanged].slice(0, groupsListed);
  }

  #fitted(group: Extract<GroupPreview, { outcome: 'changed' }>): GroupPreview {
    const fit = (all: readonly Modification[]): readonly Modification[] => {
      const listed: Modification[] = [];
      for (const modification of all.slice(0, modificationsListed)) {
        const length = characters(modification);
        if (length > this.#room || this.#left === 0) break;
        this.#room -= length;
        this.#left -= 1;
        listed.push(modification);
      }
      return listed;
    };
    const [modified, noLonger] = [fit(group.modified), fit(group.noLonger)];
    const dropped = group.modified.length + group.noLonger.length - modified.length - noLonger.length;
    return { ...group, modified, noLonger, omitted: group.omitted + dropped };
  }
}

/** Who has a turn with large documents while a policy is tried. */
const onTrial = 'a policy on trial';

/** Tries policies. */
export class PolicyPreviews {
  readonly #tools: PreviewTools;
  #running = false;

  constructor(tools: PreviewTools) {
    this.#tools = tools;
  }

  /**
   * What would change if the policy in `body` were put under `name`, whether or not one is there.
   *
   * @throws XcapConflict where the policy would be refused, ServiceUnavailable while another trial runs
   */
  async preview(name: DocumentName, body: Uint8Array): Promise<Preview> {
    const { policyUsage, rules } = this.#tools;
    const draft = { kind: 'document', bytes: body } as const;
    const { text, gated } = await rules.judge.judge(policyUsage, draft, { by: onTrial });
    const { id } = parsePolicy(text, gated?.tree);
    const texts = await this.#tools.policies.textsWith(name, text);
    const collection = new Collection();
    await this.#alone(() => this.#run(texts, patience, collection));
    const { counts, listed, notExamined } = collection;
    const groups = collection.total - collection.gone;
    return { policy: id, groups, ...counts, notExamined, listed };
  }

  /**
   * What is to be said of the policy `text` that was just put under `name`: for how many groups the policies
   * fail now, and how many were not tried. Never throws, and ends in time whatever the policy does.
   */
  async remarksOn(name: DocumentName, text: string): Promise<readonly string[]> {
    const { clock, log, policies } = this.#tools;
    const collection = new Collection();
    let cancel = (): void => undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      cancel = clock.schedule(patienceOfPut, resolve);
    });
    try {
      const texts = await policies.textsWith(name, text);
      await Promise.race([this.#alone(() => this.#run(texts, patienceOfPut, collection)), timeIsUp]);
    } catch (error) {
      log.warn({ document: name, reason: describeError(error) }, 'the groups were not tried with a policy');
      if (collection.total === 0) return ['the policies were not tried on the received groups'];
    } finally {
      cancel();
    }
    return remarksOf(collection);
  }

  /** One trial at a time. @throws ServiceUnavailable while another one runs */
  async #alone(run: () => Promise<void>): Promise<void> {
    if (this.#running) throw new ServiceUnavailable('another policy is on trial', retryAfter);
    this.#running = true;
    try {
      await run();
    } finally {
      this.#running = false;
    }
  }

  /** Examines groups for as long as `patienceNow` lasts. */
  async #run(texts: readonly string[], patienceNow: number, collection: Collection): Promise<void> {
    const { clock, documents, peers } = this.#tools;
    const end = later(clock.monotonic(), patienceNow);
    const found = new Set<DocumentName>();
    for (const system of peers.keys()) {
      for await (const key of documents.keysOf(terms.receivedFrom(system))) found.add(key);
    }
    const keys = [...found].sort();
    collection.total = keys.length;
    for (const key of keys) {
      // With cached documents and no matching policy nothing here awaits; let requests run in between.
      await clock.turn();
      if (clock.monotonic() >= end) break;
      const stored = await documents.get(key);
      const groupId = stored === undefined ? undefined : groupIdOfName(stored.key);
      if (stored?.received === undefined || groupId === undefined) collection.gone += 1;
      else collection.add(await this.#examine(groupId, stored, stored.received, texts));
    }
  }

  async #examine(
    groupId: GroupId,
    { names, state }: StoredDocument,
    received: Received,
    texts: readonly string[],
  ): Promise<GroupPreview> {
    const { runner, rules } = this.#tools;
    const { system, body } = received;
    try {
      const { text, modifications, omitted } = await runner.run({ system, groupId, text: body }, texts);
      if (text === state.current?.body) return { groupId, system, outcome: 'unchanged' };
      await judgeEffective(text, groupId, names, rules, onTrial);
      return {
        groupId,
        system,
        outcome: 'changed',
        modified: without(modifications, received.modifications),
        noLonger: without(received.modifications, modifications),
        omitted: omitted + (received.omitted ?? 0),
      };
    } catch (error) {
      if (error instanceof PolicyFailed && error.reason === 'closed') {
        throw new ServiceUnavailable('policies cannot be tried at present', retryAfter, error.message);
      }
      if (error instanceof PolicyFailed) return failing(groupId, system, error.message);
      if (error instanceof RequestRefused) {
        return failing(groupId, system, `the result is no valid group document: ${error.phrase}`);
      }
      throw error;
    }
  }
}

function groupsOf(number: number): string {
  return `${number} received ${number === 1 ? 'group' : 'groups'}`;
}

function remarksOf({ counts, notExamined }: Collection): readonly string[] {
  const { unchanged, changed, failing: failed } = counts;
  const fails =
    failed === 0
      ? []
      : [`the policies fail on ${failed} of ${groupsOf(unchanged + changed + failed)}, see the preview`];
  const rest = notExamined === 0 ? [] : [`the policies were not tried on ${groupsOf(notExamined)}`];
  return [...fails, ...rest];
}

function failing(groupId: GroupId, system: SystemName, reason: string): GroupPreview {
  return { groupId, system, outcome: 'failing', reason: reason.slice(0, reasonLength) };
}
