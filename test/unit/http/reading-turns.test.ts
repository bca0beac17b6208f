import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';
import { Intake, ReadingTurns } from '../../../src/http/reading-turns.js';

const chunk = 64 * 1024;

describe('Reading of bodies by turns of the event loop (design D21)', () => {
  /** Connections that have more to bring, whenever they are read. */
  class Sender {
    readonly owner: string;
    readonly intake: Intake;
    brought = 0;
    readonly #turns: ReadingTurns;
    readonly #octets: number;
    #wants: boolean;

    constructor(turns: ReadingTurns, owner: string, octets = chunk) {
      this.#turns = turns;
      this.#octets = octets;
      this.owner = owner;
      this.#wants = false;
      this.intake = new Intake(() => (this.#wants = true));
    }

    /** Brings one read, in chunks of one octet where `octets` is one. */
    bring(): void {
      this.#wants = false;
      const chunks = this.#octets === 1 ? 10_000 : 1;
      for (let number = 0; number < chunks; number += 1)
        this.#turns.read(this.owner, this.intake, this.#octets);
      this.brought += 1;
      if (!this.intake.waits) this.#wants = true;
    }

    bringIfWanted(): boolean {
      if (!this.#wants) return false;
      this.bring();
      return true;
    }
  }

  const many = (turns: ReadingTurns, number: number, owner: string, octets?: number): readonly Sender[] =>
    Array.from({ length: number }, () => new Sender(turns, owner, octets));

  it('what is little never waits', async () => {
    const turns = new ReadingTurns();
    const senders = many(turns, 30, 'a');
    for (const sender of senders) sender.bring();
    expect(senders.some(({ intake }) => intake.waits)).to.equal(false);
    await systemClock.turn();
    for (const sender of senders) sender.bring();
    expect(senders.some(({ intake }) => intake.waits)).to.equal(false);
  });

  it('of a thousand connections, no more are read in a turn than make two mebibytes; all are read in the end', async () => {
    const turns = new ReadingTurns();
    const senders = many(turns, 1000, 'a');
    for (const sender of senders) sender.bring();
    expect(senders.filter(({ intake }) => intake.waits)).to.have.lengthOf(1000 - 31);
    let turnsTaken = 0;
    while (senders.some((sender) => sender.brought < 2)) {
      await systemClock.turn();
      turnsTaken += 1;
      const read = senders.filter((sender) => sender.brought < 2 && sender.bringIfWanted());
      expect(read.length).to.be.within(1, 63);
    }
    expect(turnsTaken).to.be.within(16, 40);
  });

  it('one principal with few connections does not wait for one with many', async () => {
    const turns = new ReadingTurns();
    for (const sender of many(turns, 900, 'hostile')) sender.bring();
    const honest = new Sender(turns, 'honest');
    honest.bring();
    expect(honest.intake.waits).to.equal(true);
    await systemClock.turn();
    expect(honest.intake.waits).to.equal(false);
  });

  it('chunks of one octet count for what they cost: one connection a turn', async () => {
    const turns = new ReadingTurns();
    const senders = many(turns, 4, 'a', 1);
    for (const sender of senders) sender.bring();
    expect(senders.every(({ intake }) => intake.waits)).to.equal(true);
    for (let number = 0; number < 5; number += 1) {
      await systemClock.turn();
      expect(senders.filter((sender) => sender.bringIfWanted())).to.have.lengthOf(1);
    }
  });
});
