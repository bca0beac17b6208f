import type { Counters } from '../audit/counters.js';
import type { Tell } from '../audit/events.js';
import type { LineLog } from '../audit/line-log.js';
import type { KnownIdentities } from '../auth/asserted-identity.js';
import type { Clock } from '../base/clock.js';
import type { SystemName } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import type { Documents } from '../documents/documents.js';
import type { DocumentState } from '../documents/state.js';
import type { HomeSystems } from '../mc-systems/homes.js';
import type { Peers } from '../mc-systems/peers.js';
import type { Outbound } from '../outbound/client.js';
import type { PolicyRunner } from '../policy/runner.js';
import type { Store } from '../store/store.js';
import type { Schemas } from '../xml/schemas.js';
import type { Config } from './config.js';

/** What a system takes from outside itself. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What a system stands on: the server opens these, a simulation brings its own. */
export interface Ground {
  readonly store: Store<DocumentState>;
  readonly schemas: Schemas;
  readonly mcNames: ReadonlySet<string>;
  /** The way to other hosts. */
  readonly client: Outbound;
  /** A runner of policies; the system closes it. */
  readonly openRunner: () => Pick<PolicyRunner, 'run' | 'close'>;
  /** Where the audit log is written, if anywhere. */
  readonly audit?: Pick<LineLog, 'append' | 'lost'> | undefined;
}

export function peersOf(config: Config): Peers {
  return new Map(config.peers.map((peer) => [peer.name, { ...peer, groups: new Set(peer.groups) }]));
}

export function knownIdentities(config: Config, homes: HomeSystems): KnownIdentities {
  return {
    administrators: new Set(config.identity.administrators),
    mcServiceServers: new Set(config.mcServiceServers.map(({ identity }) => identity)),
    peers: new Map<string, SystemName>(config.peers.map(({ identity, name }) => [identity, name])),
    homes,
  };
}

/** How the XCAP root is written where documents name it: never with an internal host. */
export function publicRoot({ http }: Config): string {
  return http.publicRoot ?? http.root;
}

/** What every part of a system shares. */
export interface Foundation extends Surroundings, Ground {
  readonly config: Config;
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly counters: Counters;
  /** Counts an event, and writes it down. */
  readonly tell: Tell;
}
