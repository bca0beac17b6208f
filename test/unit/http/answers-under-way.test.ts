import { expect } from 'chai';
import { SharedBudget } from '../../../src/base/shared-budget.js';
import { AnswersUnderWay } from '../../../src/http/answers-under-way.js';

describe('AnswersUnderWay', () => {
  let budget: SharedBudget;
  let answers: AnswersUnderWay;
  let cut: string[];

  beforeEach(() => {
    budget = new SharedBudget(100);
    answers = new AnswersUnderWay(budget);
    cut = [];
  });

  function reader(owner: string) {
    return { owner, cut: () => cut.push(owner) };
  }

  it('counts a body that many read once, until the last of them has it', () => {
    const body = Buffer.alloc(60);
    const taken = ['a', 'b', 'a'].map((owner) => answers.hold(body, reader(owner)));
    for (const done of taken) {
      expect(budget.held).to.equal(60);
      done?.();
    }
    expect([budget.held, budget.owners, cut]).to.deep.equal([0, 0, []]);
  });

  it('a body counts for the next reader once the first one has it', () => {
    const body = Buffer.alloc(60);
    const first = answers.hold(body, reader('a'));
    answers.hold(body, reader('b'));
    first?.();
    expect(answers.hold(Buffer.alloc(60), reader('b'))).to.equal(undefined);
    expect(answers.hold(Buffer.alloc(59), reader('a'))).to.be.a('function');
    expect(cut).to.deep.equal(['b']);
  });

  it('where one gives way, the body counts for the others who read it, until they give way too', () => {
    const body = Buffer.alloc(60);
    const readers = ['a', 'b', 'a'].map((owner) => answers.hold(body, reader(owner)));
    expect(answers.hold(Buffer.alloc(40), reader('c')), 'there is room').to.be.a('function');
    expect(answers.hold(Buffer.alloc(10), reader('d'))).to.be.a('function');
    expect(cut, 'each who held more').to.deep.equal(['a', 'a', 'b']);
    for (const done of readers) done?.();
    expect(budget.held).to.equal(50);
  });

  it('an answer of which the requester must hear is counted where there is no room', () => {
    answers.hold(Buffer.alloc(100), reader('a'));
    expect(answers.hold(Buffer.alloc(50), reader('a')), 'one that can be refused').to.equal(undefined);
    const done = answers.hold(Buffer.alloc(50), { ...reader('a'), mustHear: true });
    expect(budget.held).to.equal(150);
    done?.();
    expect([budget.held, cut]).to.deep.equal([100, []]);
  });
});
