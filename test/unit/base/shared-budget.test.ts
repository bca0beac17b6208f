import { expect } from 'chai';
import { type Holding, SharedBudget } from '../../../src/base/shared-budget.js';

describe('SharedBudget', () => {
  let budget: SharedBudget;
  let gone: string[];

  beforeEach(() => {
    budget = new SharedBudget(100);
    gone = [];
  });

  function hold(owner: string, amount: number): { readonly holding: Holding; readonly granted: boolean } {
    const holding = budget.open(owner, () => gone.push(`${owner} ${amount}`));
    return { holding, granted: holding.resize(amount) };
  }

  it('one alone may have all of it, and no more', () => {
    expect(hold('a', 60).granted).to.equal(true);
    expect(hold('a', 40).granted).to.equal(true);
    expect(hold('a', 1).granted).to.equal(false);
    expect([budget.held, gone]).to.deep.equal([100, []]);
  });

  it('where it is short, whoever holds most loses the largest holding', () => {
    for (const amount of [20, 50]) hold('a', amount);
    hold('b', 30);
    expect(hold('c', 10).granted).to.equal(true);
    expect(gone).to.deep.equal(['a 50']);
    expect(budget.held).to.equal(60);
  });

  it('as many give way as are needed', () => {
    for (const amount of [10, 20, 20]) hold('a', amount);
    hold('b', 50);
    expect(hold('c', 35).granted).to.equal(true);
    expect(gone).to.deep.equal(['a 20', 'b 50']);
  });

  it('nobody gives way to one who would then hold as much', () => {
    hold('a', 50);
    hold('b', 50);
    expect(hold('c', 50).granted).to.equal(false);
    expect(hold('c', 49).granted).to.equal(true);
  });

  it('one with many holdings cannot push out one with few', () => {
    hold('b', 10);
    for (let count = 0; count < 20; count += 1) hold('a', 10);
    expect(budget.held).to.equal(100);
    expect(gone).to.deep.equal([]);
  });

  it('what is kept gives way to nobody', () => {
    const { holding } = hold('a', 90);
    holding.keep();
    expect(hold('b', 20).granted).to.equal(false);
    expect(hold('b', 10).granted).to.equal(true);
  });

  it('what is larger than all of it has room where it is alone', () => {
    const { holding, granted } = hold('a', 150);
    expect(granted).to.equal(true);
    expect(hold('b', 1).granted, 'a gives way').to.equal(true);
    expect(gone).to.deep.equal(['a 150']);
    expect(holding.amount).to.equal(0);
    expect(hold('a', 150).granted).to.equal(false);
  });

  it('what cannot be refused is counted where there is no room, and gives way later', () => {
    hold('a', 100);
    const holding = budget.open('a', () => gone.push('a must'));
    expect(holding.resize(120)).to.equal(false);
    holding.insist(120);
    expect([budget.held, gone]).to.deep.equal([220, []]);
    expect(hold('a', 1).granted, 'the budget is short').to.equal(false);
    expect(hold('b', 10).granted).to.equal(true);
    expect(gone, 'as many as are needed').to.deep.equal(['a must', 'a 100']);
    expect(budget.held).to.equal(10);
  });

  it('forgets who holds nothing any more', () => {
    const holdings = ['a', 'b', 'c'].map((owner) => hold(owner, 10).holding);
    for (const holding of holdings) {
      holding.resize(5);
      holding.release();
      holding.release();
    }
    expect([budget.held, budget.owners]).to.deep.equal([0, 0]);
  });
});
