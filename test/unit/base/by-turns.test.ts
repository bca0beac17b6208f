import { expect } from 'chai';
import fc from 'fast-check';
import { byTurns } from '../../../src/base/by-turns.js';
import { allOf } from '../../../src/base/soon.js';
import { seed } from '../../support/seed.js';

describe('By turns (design D21)', () => {
  async function* queue<T>(items: readonly T[], taken: () => void = () => undefined): AsyncIterable<T> {
    for (const item of items) {
      await Promise.resolve();
      taken();
      yield item;
    }
  }

  it('the first of each, then the second of each', async () => {
    const queues = [['a1', 'a2', 'a3'], ['b1'], ['c1', 'c2']].map((items) => queue(items));
    expect(await allOf(byTurns(queues))).to.deep.equal(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    expect(await allOf(byTurns([]))).to.deep.equal([]);
  });

  it('no more is asked for than is taken', async () => {
    let asked = 0;
    const taken = (): void => {
      asked += 1;
    };
    const given: string[] = [];
    for await (const item of byTurns([queue(['a1', 'a2'], taken), queue(['b1', 'b2'], taken)])) {
      given.push(item);
      if (given.length === 3) break;
    }
    expect([given, asked]).to.deep.equal([['a1', 'b1', 'a2'], 3]);
  });

  it(`has every item once, and those of one queue in their order (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(), { maxLength: 5 }), { maxLength: 4 }), async (lists) => {
        const queues = lists.map((items, of) => queue(items.map((item) => [of, item] as const)));
        const ordered = await allOf(byTurns(queues));
        const back = lists.map((_, of) => ordered.filter(([from]) => from === of).map(([, item]) => item));
        expect(back).to.deep.equal(lists);
      }),
      { seed },
    );
  });
});
