import { expect } from 'chai';
import { broken, usualBounds, type Bounds } from './bounds.js';
import type { Outcome } from './siege.js';
import { kindNamed, kinds } from './hostile/kinds.js';

const mega = 1024 * 1024;

const sample = {
  what: 'a member reads a group',
  milliseconds: 900,
  attempts: 1,
  failure: undefined,
  status: 200,
} as const;

const tally = {
  ...{ connections: 1, requests: 1, sent: 1, received: 1, cutOff: 0 },
  statuses: { 409: 3 } as Record<string, number>,
};

/** A siege in which everything holds, and each figure is just within its bound. */
const held: Outcome = {
  seconds: 10,
  honest: { samples: [sample], arrivals: [{ what: 'to a peer', milliseconds: 4900 }], ownDelay: 1 },
  hostile: [{ kind: 'resets', tally }],
  end: undefined,
  peak: { own: 500 * mega, descriptors: 1000 },
  before: { held: 40 * mega, descriptors: 30 },
  after: { held: 160 * mega, descriptors: 50 },
  recovery: 1,
  loopDelay: { loopDelayP99: 1, loopDelayMax: 1 },
  processor: { used: 1, waited: 1 },
  log: { lines: 200, octets: 20_000 },
  lost: [],
  unequal: [],
  untilEqual: 1,
};

describe('The siege: its judgement', () => {
  it('finds nothing where everything holds', () => {
    expect(broken(held, usualBounds)).to.deep.equal([]);
  });

  const faults: readonly [change: Partial<Outcome>, said: RegExp][] = [
    [{ end: 'SIGABRT' }, /^the server ended: SIGABRT$/],
    [{ honest: { ...held.honest, samples: [] } }, /^no honest client was answered$/],
    [
      { honest: { ...held.honest, samples: [sample, { ...sample, milliseconds: 1001 }] } },
      /^honest requests late: 1, such as: a member reads a group: 1\.0 s$/,
    ],
    [
      { honest: { ...held.honest, samples: [{ ...sample, failure: 'status 503', status: 503 }] } },
      /^honest requests failed: 1, such as: a member reads a group: status 503$/,
    ],
    [
      { honest: { ...held.honest, arrivals: [{ what: 'from a peer', milliseconds: 5001 }] } },
      /^changes late between systems: 1, such as: from a peer: 5\.0 s$/,
    ],
    [
      { hostile: [{ kind: 'resets', tally: { ...tally, statuses: { 500: 2 } } }] },
      /^answers 500 to hostile clients: 2$/,
    ],
    [{ peak: { ...held.peak, own: 513 * mega } }, /^memory: 513 MB of 512$/],
    [{ after: { ...held.after, held: 169 * mega } }, /^memory held on to: 129 MB more than before, of 128$/],
    [{ after: { ...held.after, descriptors: 51 } }, /^descriptors: 21 more than before, of 20$/],
    [{ log: { lines: 210, octets: 1 } }, /^log: 21 lines a second of 20$/],
    [{ lost: ['/x: 404, but a write was acknowledged'] }, /^acknowledged writes lost: 1, such as: \/x: 404/],
    [{ unequal: ['/y'] }, /^systems not equal: 1, such as: \/y$/],
  ];
  for (const [change, said] of faults) {
    it(`notices what ${said.source} says`, () => {
      const [found, ...more] = broken({ ...held, ...change }, usualBounds);
      expect(found).to.match(said);
      expect(more).to.deep.equal([]);
    });
  }

  it('notices each bound that is lowered to nothing', () => {
    for (const name of Object.keys(usualBounds) as (keyof Bounds)[]) {
      expect(broken(held, { ...usualBounds, [name]: 0 }), name).to.have.lengthOf(1);
    }
  });
});

describe('The siege: its hostile clients', () => {
  it('have names of their own, by which they are found', () => {
    expect(new Set(kinds.map(({ name }) => name))).to.have.lengthOf(kinds.length);
    for (const kind of kinds) expect(kindNamed(kind.name)).to.equal(kind);
    expect(() => kindNamed('nobody')).to.throw(/^no kind is named nobody; there are schema-errors, /);
  });
});
