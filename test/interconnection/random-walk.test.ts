import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { derive } from '../../src/policy/derive.js';
import { parsePolicy } from '../../src/policy/language/read-policy.js';
import type { GroupId, SystemName } from '../../src/base/identifiers.js';
import { ManualClock } from '../support/manual-clock.js';
import {
  administratorDeletes,
  administratorPuts,
  fire,
  getAs,
  groupText,
  police,
  policyFixture,
  policyPath,
  putPolicy,
  startPair,
  type Pair,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';
import { limits } from '../support/limits.js';
import { seed } from '../support/seed.js';

const steps = 100;

/** Milliseconds that both systems have, at the end, to come to rest. */
const patience = 8000;

const groups = Array.from({ length: 5 }, (_, i) => `sip:group-${i}@police.example`);
const policies = ['guest-groups', 'guest-groups-lower'];
const hour = 3_600_000;

/** Numbers from a seed (a 32-bit linear congruential generator, its high bits). */
class Dice {
  #state: number;

  constructor(from: number) {
    this.#state = from >>> 0;
  }

  below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * bound);
  }

  of<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }
}

/** Two systems, what their administrators were told is done, and a way to go on at random. */
class Walk {
  readonly history: string[] = [];
  readonly #dice: Dice;
  readonly #pair: Pair;
  readonly #clock: ManualClock;
  /** The documents at the primary, as acknowledged. */
  readonly #documents = new Map<string, string>();
  readonly #policies = new Map<string, string>();
  /** The latest revision of each group that the partner was seen to hold. */
  readonly #seen = new Map<string, number>();
  readonly #down = new Set<TestSystem>();
  #revision = 0;

  constructor(pair: Pair, clock: ManualClock, from: number) {
    this.#pair = pair;
    this.#clock = clock;
    this.#dice = new Dice(from);
  }

  async step(): Promise<void> {
    const { a, b } = this.#pair;
    const chance = this.#dice.below(100);
    if (chance < 24) await this.#edit(this.#dice.of(groups));
    else if (chance < 30) await Promise.all(groups.map((group) => this.#edit(group)));
    else if (chance < 38) await this.#rush(this.#dice.of(groups));
    else if (chance < 48) await this.#delete(this.#dice.of(groups));
    else if (chance < 60) this.#advance(this.#dice.below(hour));
    else if (chance < 72) await this.#fetch(this.#dice.of(groups));
    else if (chance < 80) await this.#changePolicy();
    else if (chance < 86) await this.#restart(a, 'a');
    else if (chance < 92) await this.#restart(b, 'b');
    else if (chance < 96) await this.#stop(b, 'b');
    else await this.#up(b, 'b');
    await this.#look(this.#dice.of(groups));
  }

  /** Everything comes up and, given time, to rest: both sides agree about every group. */
  async end(): Promise<void> {
    await this.#up(this.#pair.b, 'b');
    const deadline = Date.now() + patience;
    for (;;) {
      try {
        for (const group of groups) await this.#agree(group);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      this.#clock.advance(hour);
      await setImmediate();
    }
  }

  /** Both sides of a group at once. */
  async #rush(group: string): Promise<void> {
    const change = this.#dice.below(2) === 0 ? this.#edit(group) : this.#delete(group);
    await Promise.all([change, this.#fetch(group), this.#changePolicy(), this.#fetch(group)]);
  }

  async #edit(group: string): Promise<void> {
    const former = this.#documents.get(group);
    const again = former !== undefined && this.#dice.below(8) === 0;
    const text = again ? former : this.#newText(group);
    this.history.push(`edit ${group} ${again ? 'again' : String(this.#revision)}`);
    await administratorPuts(this.#pair.a, police, group, text);
    this.#documents.set(group, text);
  }

  #newText(group: string): string {
    this.#revision += 1;
    const changes = { id: group, name: `Revision ${this.#revision}`, priority: this.#dice.below(20) };
    const members = this.#dice.below(4) === 0 ? { members: [police.member] } : {};
    return groupText({ ...changes, ...members });
  }

  async #delete(group: string): Promise<void> {
    if (!this.#documents.delete(group)) return;
    this.history.push(`delete ${group}`);
    await administratorDeletes(this.#pair.a, police, group);
  }

  #advance(milliseconds: number): void {
    this.history.push(`advance ${milliseconds}`);
    this.#clock.advance(milliseconds);
  }

  async #fetch(group: string): Promise<void> {
    if (this.#down.has(this.#pair.b)) return;
    this.history.push(`fetch ${group}`);
    const { status } = await getAs(this.#pair.b, fire.member, group);
    expect(status).to.be.oneOf([200, 403, 404, 503]);
  }

  async #changePolicy(): Promise<void> {
    const { b } = this.#pair;
    if (this.#down.has(b)) return;
    const name = this.#dice.of(['first', 'second']);
    if (this.#policies.has(name) && this.#dice.below(3) === 0) {
      this.history.push(`delete policy ${name}`);
      this.#policies.delete(name);
      const path = policyPath(name);
      const { status } = await b.request({ method: 'DELETE', path, as: fire.administrator });
      expect(status).to.equal(200);
      return;
    }
    const text = policyFixture(this.#dice.of(policies));
    this.history.push(`put policy ${name}`);
    this.#policies.set(name, text);
    await putPolicy(b, fire, text, name);
  }

  async #restart(system: TestSystem, name: string): Promise<void> {
    await this.#stop(system, name);
    await this.#up(system, name);
  }

  async #stop(system: TestSystem, name: string): Promise<void> {
    if (this.#down.has(system)) return;
    this.history.push(`stop ${name}`);
    this.#down.add(system);
    await system.close();
  }

  async #up(system: TestSystem, name: string): Promise<void> {
    if (!this.#down.delete(system)) return;
    this.history.push(`start ${name}`);
    await system.open();
  }

  /** A partner never goes from newer to older. */
  async #look(group: string): Promise<void> {
    if (this.#down.has(this.#pair.b)) return;
    const { status, text } = await getAs(this.#pair.b, police.gms, group);
    if (status !== 200) return;
    const revision = Number(/Revision (\d+)/.exec(text)?.[1]);
    expect(revision, `${group} goes back`).to.be.at.least(this.#seen.get(group) ?? 0);
    this.#seen.set(group, revision);
  }

  async #agree(group: string): Promise<void> {
    const { a, b } = this.#pair;
    const document = await getAs(a, police.administrator, group);
    const kept = this.#documents.get(group);
    expect(document.status, `${group}: what was acknowledged`).to.equal(kept === undefined ? 404 : 200);
    if (kept !== undefined) expect(document.text).to.equal(kept);
    await this.#look(group);
    const received = await getAs(b, police.gms, group);
    const effective = await getAs(b, fire.administrator, group);
    if (kept?.includes(fire.member) !== true) {
      expect([received.status, effective.status], `${group}: no copy`).to.deep.equal([404, 404]);
      return;
    }
    expect(received.text, `${group}: received`).to.equal(kept);
    expect(effective.text, `${group}: effective`).to.equal(this.#derived(group, kept));
  }

  #derived(group: string, text: string): string {
    const input = { system: police.name as SystemName, groupId: group as GroupId, text };
    // Of policies of one precedence and id, the names of their documents decide.
    const inForce = [...this.#policies].sort(([x], [y]) => (x < y ? -1 : 1));
    return derive(
      input,
      inForce.map(([, policy]) => parsePolicy(policy)),
      limits,
    ).text;
  }
}

describe('23.280 10.2.7 a random walk of two systems', () => {
  it(`ends with both sides equal (seed ${seed})`, async function () {
    this.timeout(30_000);
    const clock = new ManualClock();
    // Connections that are soon closed by the other side: restarts are quick, and pools go stale.
    const http = { limits: { keepAliveTimeout: '20ms' } };
    const pair = await startPair({ a: { http }, b: { http } }, { clock });
    const walk = new Walk(pair, clock, seed);
    try {
      for (let step = 0; step < steps; step += 1) await walk.step();
      await walk.end();
    } catch (error) {
      console.error(`seed ${seed}:\n${walk.history.join('\n')}`);
      throw error;
    } finally {
      await pair.dispose();
    }
  });
});
