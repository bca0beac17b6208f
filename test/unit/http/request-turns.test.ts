import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';
import { RequestTurns } from '../../../src/http/request-turns.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('Requests are begun by turns of the event loop (design D21)', () => {
  let clock: ManualClock;
  let turns: RequestTurns;
  let begun: string[];

  beforeEach(() => {
    clock = new ManualClock();
    turns = new RequestTurns(clock);
    begun = [];
  });

  /** A request that takes so many milliseconds at once. */
  function ask(owner: string, milliseconds: number, isGone = false): void {
    const into = begun;
    const begin = (): void => {
      into.push(owner);
      clock.advance(milliseconds);
    };
    turns.begin(owner, begin, () => isGone);
  }

  it('where there is time, a request is begun at once', () => {
    for (let number = 0; number < 100; number += 1) ask('a', 0.05);
    expect(begun).to.have.lengthOf(100);
  });

  it('once ten milliseconds are spent, the others wait for the next turn', async () => {
    for (let number = 0; number < 5; number += 1) ask('a', 4);
    expect(begun).to.have.lengthOf(3);
    await systemClock.turn();
    expect(begun).to.have.lengthOf(5);
  });

  it('those that wait are begun by turns of their principals', async () => {
    for (let number = 0; number < 900; number += 1) ask('hostile', 4);
    ask('honest', 1);
    await systemClock.turn();
    expect(begun.slice(3)).to.deep.equal(['hostile', 'honest', 'hostile', 'hostile']);
  });

  it('who comes later does not get in before those that wait', async () => {
    for (let number = 0; number < 5; number += 1) ask('a', 11);
    ask('b', 1);
    clock.advance(100);
    ask('c', 1);
    expect(begun).to.deep.equal(['a']);
    for (let number = 0; number < 6; number += 1) await systemClock.turn();
    expect(begun).to.have.members(['a', 'a', 'a', 'a', 'a', 'b', 'c']);
    expect(begun.indexOf('b')).to.be.lessThan(begun.indexOf('c'));
  });

  it('what waited for one who is gone is not begun', async () => {
    ask('a', 20);
    ask('b', 1, true);
    ask('c', 1);
    await systemClock.turn();
    expect(begun).to.deep.equal(['a', 'c']);
  });
});
