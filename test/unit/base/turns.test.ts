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

  it('bound what it weighs, of each and in all; the first of each may wait in any case', () => {
    const turns = new Turns<string, number>({ each: 9, all: 9, weight: { each: 10, all: 25 } });
    expect([turns.add('a', 1, 7), turns.add('a', 2, 4), turns.add('a', 3, 3)]).to.deep.equal([
      true,
      false,
      true,
    ]);
    expect([turns.add('b', 4, 40), turns.add('b', 5, 1), turns.add('c', 6, 1)]).to.deep.equal([
      true,
      false,
      true,
    ]);
    expect(turns.add('c', 7, 1), 'too much in all').to.equal(false);
    expect(turns.weight).to.equal(51);
    expect(turns.remove('b', 4)).to.equal(true);
    expect([turns.add('c', 7, 1), turns.weight]).to.deep.equal([true, 12]);
    turns.takeAll();
    expect(turns.weight).to.equal(0);
  });

  it('pass over those that cannot be served now, which keep their turn', () => {
    const turns = new Turns<string, string>({ each: 10, all: 100 });
    for (const item of ['a1', 'a2', 'b1', 'b2', 'c1']) turns.add(item.slice(0, 1), item);
    const notA = (item: string): boolean => !item.startsWith('a');
    expect([turns.next(notA), turns.next(notA)]).to.deep.equal(['b1', 'c1']);
    expect(turns.next(() => false)).to.equal(undefined);
    expect(turns.takeAll()).to.deep.equal(['a1', 'b2', 'a2']);
  });
});
