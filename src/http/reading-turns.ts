import { Turns } from '../base/turns.js';

/**
 * How much of bodies is read in one turn of the event loop (design D21).
 *
 * Subtle: whatever the kernel holds for a connection is read as soon as the loop gets there, and a turn ends only
 * when it has been to all of them. A thousand connections with a mebibyte each make a turn of a second, in which
 * nobody is answered. Therefore the octets of a turn are counted, and once there are enough of them a connection that
 * brings more is stopped until a later turn: first one of one principal, then one of the next.
 */

/** Octets that are read in a turn before connections are stopped. */
const octetsInATurn = 2 * 1024 * 1024;

/** What a chunk costs beside its octets, in octets that cost the same. */
const chunkCost = 256;

/** A connection, as far as what it brings must wait for others. */
export class Intake {
  /** What it read in its last turn has cost. */
  cost = 0;
  #turn = 0;
  #waits = false;
  readonly #goOn: () => void;

  /** @param goOn called when reading may go on */
  constructor(goOn: () => void) {
    this.#goOn = goOn;
  }

  /** Whether others are to be read first. */
  get waits(): boolean {
    return this.#waits;
  }

  /** Counts what it has read in `turn`. */
  count(cost: number, turn: number): void {
    this.cost = turn === this.#turn ? this.cost + cost : cost;
    this.#turn = turn;
  }

  wait(): void {
    this.#waits = true;
  }

  goOn(): void {
    this.#waits = false;
    this.#goOn();
  }
}

export class ReadingTurns {
  readonly #waiting = new Turns<string, Intake>({ each: Infinity, all: Infinity });
  #left = octetsInATurn;
  #turn = 0;
  #isCounting = false;

  /** Counts a chunk that was read for `owner`. Where there were enough in this turn, `intake` waits. */
  read(owner: string, intake: Intake, octets: number): void {
    const cost = octets + chunkCost;
    this.#left -= cost;
    intake.count(cost, this.#turn);
    this.#count();
    if (this.#left >= 0 || intake.waits) return;
    intake.wait();
    this.#waiting.add(owner, intake);
  }

  /** Until the end of this turn, and of those after it in which anyone waits. */
  #count(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    setImmediate(() => {
      this.#isCounting = false;
      this.#turn += 1;
      this.#left = octetsInATurn;
      this.#letRead();
      if (this.#waiting.size > 0) this.#count();
    });
  }

  /** As many as are going to cost, if they bring what they brought before, what a turn may cost; one at least. */
  #letRead(): void {
    for (let cost = 0; cost < octetsInATurn;) {
      const intake = this.#waiting.next();
      if (intake === undefined) return;
      cost += intake.cost;
      intake.goOn();
    }
  }
}
