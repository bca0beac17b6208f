import { eventsOf } from '../audit/commit-events.js';
import { BoundedRefusals } from '../audit/bounded-refusals.js';
import { Counters } from '../audit/counters.js';
import { auditLine, type Tell } from '../audit/events.js';
import type { LineLog } from '../audit/line-log.js';
import type { KnownIdentities } from '../auth/asserted-identity.js';
import type { Clock } from '../base/clock.js';
import type { Closers } from '../base/closers.js';
import { describeError } from '../base/errors.js';
import type { SystemName } from '../base/identifiers.js';
import type { Log, LogFields } from '../base/log.js';
import type { Random } from '../base/random.js';
import { Documents } from '../documents/documents.js';
import type { Judge } from '../documents/judgement.js';
import type { Filled, Quotas } from '../documents/quotas.js';
import type { NamedStore } from '../documents/system-names.js';
import { GroupReadings } from '../groups/reading.js';
import { HomeSystems } from '../mc-systems/homes.js';
import type { Peers } from '../mc-systems/peers.js';
import type { Outbound } from '../outbound/client.js';
import type { PolicyRunner, SlowPolicy } from '../policy/runner.js';
import type { Incarnation } from '../store/incarnation.js';
import type { Schemas } from '../xml/schemas.js';
import type { Config } from './config.js';
import { memoryParts } from './memory.js';

/** What the parts of a system share. */

/** Time, chance and log, which a system is given from outside. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a system stands on. The server opens these; a simulation brings its own. */
export interface Ground {
  readonly store: NamedStore;
  /** Which store that is, for other MC systems. */
  readonly incarnation: Incarnation;
  readonly schemas: Schemas;
  /** Judges what clients and peers send. */
  readonly judge: Judge;
  readonly mcNames: ReadonlySet<string>;
  /** The way to other hosts. */
  readonly client: Outbound;
  /** Opens a runner of policies; the system closes it. */
  readonly openRunner: (onSlow?: (slow: SlowPolicy) => void) => Pick<PolicyRunner, 'run' | 'close'>;
  /** Where the audit log is written, if anywhere. */
  readonly audit?: Pick<LineLog, 'append' | 'lost'> | undefined;
}

export interface Foundation extends Surroundings, Ground {
  readonly config: Config;
  readonly documents: Documents;
  /** What the stored groups say of who may read them. */
  readonly readings: GroupReadings;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly known: KnownIdentities;
  readonly counters: Counters;
  /** Counts an event, and writes it to the audit log. */
  readonly tell: Tell;
}

export function createFoundation(
  config: Config,
  surroundings: Surroundings,
  ground: Ground,
  closers: Closers,
): Foundation {
  const { clock, log, random } = surroundings;
  const { store } = ground;
  const memory = memoryParts(config.store.cacheBytes);
  const readings = new GroupReadings(memory.readings);
  const documents = new Documents(store, clock, random, memory.renditions, config.quotas);
  const homes = new HomeSystems(config.system, config.peers);
  const peers = peersOf(config);
  const counters = new Counters(peers);
  const write: Tell = (event) => {
    ground.audit?.append(auditLine(clock.now(), event));
  };
  const refusals = closers.add(new BoundedRefusals(clock, write));
  const tell: Tell = (event) => {
    counters.count(event);
    if (refusals.admits(event)) write(event);
  };
  documents.addObserver((commit) => {
    for (const event of eventsOf(commit)) tell(event);
  });
  warnOfQuotas(documents.quotas, tell, log, closers);
  const known = knownIdentities(config, homes);
  return {
    ...surroundings,
    ...ground,
    config,
    documents,
    readings,
    homes,
    peers,
    known,
    counters,
    tell,
  };
}

/** Tells of what is nearly full, and goes on telling. */
function warnOfQuotas(quotas: Quotas, tell: Tell, log: Log, closers: Closers): void {
  let isOver = false;
  const warn = (filled: Filled): void => {
    const { part, id, documents, octets } = filled;
    tell({ event: 'quota', part, of: id === '' ? null : id, documents, octets });
    log.warn(quotaFields(filled), 'a quota is nearly exhausted');
  };
  const looking = quotas
    .onFilled(warn, () => isOver)
    .catch((error: unknown) => {
      log.error({ reason: describeError(error) }, 'quotas were not looked at');
    });
  closers.add({
    close: async () => {
      isOver = true;
      await looking;
    },
  });
}

function peersOf(config: Config): Peers {
  return new Map(config.peers.map((peer) => [peer.name, { ...peer, groups: new Set(peer.groups) }]));
}

function knownIdentities(config: Config, homes: HomeSystems): KnownIdentities {
  return {
    administrators: new Set(config.identity.administrators),
    mcServiceServers: new Set(config.mcServiceServers.map(({ identity }) => identity)),
    peers: new Map<string, SystemName>(config.peers.map(({ identity, name }) => [identity, name])),
    homes,
  };
}

function quotaFields({ part, id, documents, remembered, octets, quota }: Filled): LogFields {
  const most = { mostDocuments: quota.documents, mostOctets: quota.octets };
  return { part, of: id === '' ? undefined : id, documents, remembered, octets, ...most };
}

/** How the XCAP root is written where documents name it: never with an internal host. */
export function publicRoot({ http }: Config): string {
  return http.publicRoot ?? http.root;
}
