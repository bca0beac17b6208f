import type { Clock, MonotonicTime, WallTime } from '../../src/base/clock.js';
import type { Log } from '../../src/base/log.js';
import { defaultConfig, type Config, type ConfigInput } from '../../src/gms/config.js';
import type { DocumentState } from '../../src/documents/state.js';
import type { XcapAnswer, XcapRequest } from '../../src/http/messages.js';
import { derive, type Derivation, type ReceivedDocument } from '../../src/policy/derive.js';
import { PolicyFailed } from '../../src/policy/language/errors.js';
import { parsePolicy } from '../../src/policy/language/read-policy.js';
import { atOnce } from '../../src/base/soon.js';
import { NamedStore } from '../../src/documents/system-names.js';
import { documentTally } from '../../src/documents/tally.js';
import { composeSystem } from '../../src/gms/compose.js';
import { type System } from '../../src/gms/compose.js';
import { JudgeHere } from '../../src/documents/judgement.js';
import { openMcNames, openSchemas } from '../../src/gms/usages.js';
import type { Schemas } from '../../src/xml/schemas.js';
import type { Dice } from './dice.js';
import { SimulatedStore, type Disk } from './disk.js';
import type { SimulatedNetwork, Station } from './network.js';
import { domainOf, identityOf, rootOf, systemName } from './texts.js';
import type { SimulatedTime } from './time.js';

/** How one system is configured towards another. */
export interface PeerSettings {
  readonly known: boolean;
  readonly provide: boolean;
  readonly request: boolean;
  /** Groups that are shared by name. */
  readonly shared: readonly string[];
}

export interface SiteSettings {
  /** By the index of the system; without an entry of its own. */
  readonly peers: Readonly<Record<number, PeerSettings>>;
  readonly parallel: number;
  /** Whether received groups are asked for again from time to time; if not, pushing alone must do. */
  readonly revalidates: boolean;
}

/** How often received groups are asked for again, in milliseconds. */
const revalidation = 3_600_000;

let opened: { readonly schemas: Schemas; readonly mcNames: ReadonlySet<string> } | undefined;

/** Compiled once for all systems of the process: nothing that they do changes them. */
export function sharedSchemas(): { readonly schemas: Schemas; readonly mcNames: ReadonlySet<string> } {
  opened ??= { schemas: openSchemas(defaultConfig()), mcNames: openMcNames() };
  return opened;
}

export function configOf(index: number, { peers, parallel, revalidates }: SiteSettings): Config {
  const known = Object.entries(peers).filter(([, peer]) => peer.known);
  const input: ConfigInput = {
    system: { name: systemName(index), domains: [domainOf(index)] },
    http: { publicRoot: rootOf(index) },
    identity: { administrators: [identityOf(index, 'admin')] },
    mcServiceServers: [{ identity: identityOf(index, 'server') }],
    peers: known.map(([other, { provide, request, shared }]) => ({
      name: systemName(Number(other)),
      identity: identityOf(Number(other), 'gms'),
      root: rootOf(Number(other)),
      domains: [domainOf(Number(other))],
      provide,
      request,
      groups: [...shared],
    })),
    interconnection: {
      identity: identityOf(index, 'gms'),
      parallel,
      revalidation: revalidates ? `${revalidation}ms` : '0',
    },
  };
  return defaultConfig(input);
}

/** What a system needs of the world around it. */
export interface Surroundings {
  readonly time: SimulatedTime;
  readonly dice: Dice;
  readonly network: SimulatedNetwork;
  readonly note: (line: string) => void;
}

type OwnTime = Pick<SimulatedTime, 'after'>;

/** Policies applied without a worker; it takes a while all the same, and now and then fails. */
class SimulatedRunner {
  readonly #surroundings: Omit<Surroundings, 'time'> & { readonly time: OwnTime };
  readonly #config: Config;
  readonly #isAlive: () => boolean;

  constructor(
    surroundings: Omit<Surroundings, 'time'> & { readonly time: OwnTime },
    config: Config,
    isAlive: () => boolean,
  ) {
    this.#surroundings = surroundings;
    this.#config = config;
    this.#isAlive = isAlive;
  }

  async run(input: ReceivedDocument, texts: readonly string[]): Promise<Derivation> {
    const { dice, network, time } = this.#surroundings;
    if (texts.length > 0) {
      await new Promise<void>((resolve) => {
        time.after(dice.between(0, 25), () => {
          if (this.#isAlive()) resolve();
        });
      });
      if (network.faulty && dice.happens(0.03)) throw new PolicyFailed('crash', 'the policy worker failed');
    }
    const policies = texts.map((text) => parsePolicy(text));
    return derive(input, policies, this.#config.xml);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Life {
  readonly system: System;
  readonly store: SimulatedStore<DocumentState>;
  readonly end: () => void;
}

/** One MC system: its disk, its settings, and while it runs the system itself. */
export class Site implements Station {
  readonly index: number;
  readonly name: string;
  readonly disk: Disk<DocumentState>;
  settings: SiteSettings;
  /** Milliseconds by which its time of day is ahead of the simulation's; it may change at any moment. */
  clockError = 0;
  #stillUntil = 0;
  #config: Config;
  readonly #surroundings: Surroundings;
  /** The present life; a dead one hears nothing any more. */
  #life: Life | undefined;

  constructor(index: number, settings: SiteSettings, disk: Disk<DocumentState>, surroundings: Surroundings) {
    this.index = index;
    this.name = systemName(index);
    this.disk = disk;
    this.settings = settings;
    this.#config = configOf(index, settings);
    this.#surroundings = surroundings;
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  get config(): Config {
    return this.#config;
  }

  /** Whether a restart is needed before anything can be written. */
  get isBroken(): boolean {
    return this.#life !== undefined && !this.#life.store.writable;
  }

  /** Milliseconds for which it still stands still, as a machine does that is moved or swaps. */
  get stillFor(): number {
    return Math.max(0, this.#stillUntil - this.#surroundings.time.now);
  }

  /** Nothing of it moves for so long; what happens meanwhile reaches it afterwards. */
  standStill(milliseconds: number): void {
    this.#stillUntil = this.#surroundings.time.now + milliseconds;
  }

  get revalidation(): System['revalidation'] | undefined {
    return this.#life?.system.revalidation;
  }

  /** The resources for its operator. */
  get operations(): System['operations'] | undefined {
    return this.#life?.system.operations;
  }

  get deliveries(): System['deliveries'] | undefined {
    return this.#life?.system.deliveries;
  }

  get handle(): ((request: XcapRequest) => Promise<XcapAnswer>) | undefined {
    const life = this.#life;
    return life && ((request) => life.system.pipeline.handle(request));
  }

  /** Starts from what is on the disk. @param settings others than before */
  start(settings?: SiteSettings): void {
    if (this.#life !== undefined) return;
    if (settings !== undefined) {
      this.settings = settings;
      this.#config = configOf(this.index, settings);
    }
    const { network, note } = this.#surroundings;
    const time = this.#ownTime();
    // Each life has dice of its own: what a dead one would have thrown changes nothing.
    const dice = this.#surroundings.dice.fork();
    const around = { ...this.#surroundings, time, dice };
    let alive = true;
    const isAlive = (): boolean => alive;
    const clock: Clock = {
      now: () => (this.#surroundings.time.now + this.clockError) as WallTime,
      monotonic: () => this.#surroundings.time.now as MonotonicTime,
      schedule: (delay, callback) =>
        time.after(delay, () => {
          if (alive) callback();
        }),
      turn: () =>
        new Promise((resolve) => {
          time.after(dice.between(0, 2), () => {
            if (alive) resolve();
          });
        }),
    };
    const config = this.#config;
    const store = new SimulatedStore(this.disk, time, dice, isAlive, documentTally);
    const client = network.outbound(this, isAlive);
    const shared = sharedSchemas();
    const openRunner = (): SimulatedRunner => new SimulatedRunner(around, config, isAlive);
    const log = this.#log(note);
    const { number, isNew } = this.disk.takeIncarnation();
    const incarnation = { token: `${this.name}-incarnation-${number}`, isNew };
    const named = atOnce(NamedStore.open(store, config.system.name, config.peers));
    const system = composeSystem(
      config,
      { clock, random: dice, log },
      {
        ...shared,
        judge: new JudgeHere({ ...shared, limits: config.xml }),
        store: named,
        incarnation,
        client,
        openRunner,
      },
    );
    const end = (): void => {
      alive = false;
    };
    this.#life = { store, system, end };
    note(`${this.name} starts`);
    system.start(rootOf(this.index));
  }

  /** Ends at once, wherever it is. */
  crash(): void {
    if (this.#life === undefined) return;
    this.#life.end();
    this.#life = undefined;
    this.disk.failing = undefined;
    this.#stillUntil = 0;
    this.#surroundings.note(`${this.name} dies`);
  }

  /** The time as it comes to a system that stands still now and then. */
  #ownTime(): OwnTime {
    const { time } = this.#surroundings;
    return {
      after: (delay, callback) => {
        const run = (): void => {
          if (this.stillFor > 0) cancel = time.after(this.stillFor, run);
          else callback();
        };
        let cancel = time.after(delay, run);
        return () => {
          cancel();
        };
      },
    };
  }

  #log(note: (line: string) => void): Log {
    const line = (fields: Parameters<Log['info']>[0], message: string): void => {
      const told = Object.values(fields).filter((value) => value !== undefined);
      note(`${this.name} logs: ${message} (${told.join(', ')})`);
    };
    return {
      debug: () => undefined,
      info: line,
      warn: line,
      error: (fields, message) => {
        line(fields, `ERROR ${message}`);
      },
    };
  }
}
