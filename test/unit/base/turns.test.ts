import { expect } from 'chai';
import { Turns } from '../../../src/base/turns.js';

describe('Turns (design D21)', () => {
  it('serve everybody by turns, each in the order of arrival', () => {
    const turns = new Turns<string, string>({ each: 10, all: 100 });
    for (const item of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) turns.add(item.slice(0, 1), item);
    expect(turns.next()).to.equal('a1');
    turns.add('d', 'd1');
    expect(turns.takeAll()).to.deep.equal(['b1', 'c1', 'a2', 'd1', 'b2', 'a3', 'a4']);
    expect(turns.next()).to.equal(undefined);
    expect(turns.size).to.equal(0);
  });

  it('bound what waits, of each and in all', () => {
    const turns = new Turns<string, number>({ each: 2, all: 3 });
    expect([turns.add('a', 1), turns.add('a', 2), turns.add('a', 3)]).to.deep.equal([true, true, false]);
    expect([turns.add('b', 1), turns.add('b', 2), turns.add('c', 1)]).to.deep.equal([true, false, false]);
    turns.next();
    expect(turns.add('a', 3)).to.equal(true);
  });

  it('let go of what waits no more', () => {
    const turns = new Turns<string, number>({ each: 2, all: 2 });
    turns.add('a', 1);
    turns.add('a', 2);
    expect([turns.remove('a', 1), turns.remove('a', 1), turns.remove('b', 2)]).to.deep.equal([
      true,
      false,
      false,
    ]);
    expect(turns.size).to.equal(1);
    expect(turns.add('b', 3)).to.equal(true);
    expect(turns.remove('a', 2)).to.equal(true);
    expect(turns.takeAll()).to.deep.equal([3]);
  });
});
