import { expect } from 'chai';
import type { ETag } from '../../../src/base/identifiers.js';
import { BadRequest, PreconditionFailed } from '../../../src/base/refusals.js';
import {
  formatETag,
  judgeRead,
  judgeWrite,
  parseConditions,
  type Conditions,
  type Target,
} from '../../../src/xcap/preconditions.js';

const current = 'v2' as ETag;
/** A document, or a node in it. */
const present: Target = { etag: current, exists: true };
/** A node that its document does not have. */
const noNode: Target = { etag: current, exists: false };
const noDocument: Target = { etag: undefined, exists: false };

type Outcome = 'passes' | 'fails';

function outcome(work: () => unknown): Outcome {
  try {
    work();
    return 'passes';
  } catch (error) {
    expect(error).to.be.instanceOf(PreconditionFailed);
    return 'fails';
  }
}

function ifMatch(value: string): Conditions {
  return parseConditions({ 'if-match': value });
}

function ifNoneMatch(value: string): Conditions {
  return parseConditions({ 'if-none-match': value });
}

describe('RFC 9110 §13.1.1 If-Match, for a write', () => {
  const cases: readonly [string, present: Outcome, noNode: Outcome, noDocument: Outcome][] = [
    ['"v2"', 'passes', 'passes', 'fails'],
    ['"v1"', 'fails', 'fails', 'fails'],
    ['W/"v2"', 'fails', 'fails', 'fails'],
    ['v2', 'passes', 'passes', 'fails'],
    ['"v1", "v2"', 'passes', 'passes', 'fails'],
    ['"v1","v2","v3"', 'passes', 'passes', 'fails'],
    ['"v1", W/"v2"', 'fails', 'fails', 'fails'],
    [' , "v2" , ', 'passes', 'passes', 'fails'],
    ['"V2"', 'fails', 'fails', 'fails'],
    ['""', 'fails', 'fails', 'fails'],
    ['"*"', 'fails', 'fails', 'fails'],
    ['"v1,v2"', 'fails', 'fails', 'fails'],
    ['*', 'passes', 'fails', 'fails'],
    [' * ', 'passes', 'fails', 'fails'],
  ];
  for (const [value, ofPresent, ofNoNode, ofNoDocument] of cases) {
    it(`${value} ${ofPresent} where the resource exists, ${ofNoNode} where its document has no such node, ${ofNoDocument} where there is none`, () => {
      expect(
        outcome(() => {
          judgeWrite(ifMatch(value), present);
        }),
      ).to.equal(ofPresent);
      expect(
        outcome(() => {
          judgeWrite(ifMatch(value), noNode);
        }),
      ).to.equal(ofNoNode);
      expect(
        outcome(() => {
          judgeWrite(ifMatch(value), noDocument);
        }),
      ).to.equal(ofNoDocument);
    });
  }
});

describe('RFC 9110 §8.8.3.2 a weak tag in If-Match', () => {
  for (const [value, why] of [
    ['W/"v2"', /weak/],
    ['"v1", W/"v2"', /weak/],
    ['W/"v1"', /another state/],
    ['"v1"', /another state/],
  ] as const) {
    it(`${value}: the refusal says ${why.source}`, () => {
      expect(() => {
        judgeWrite(ifMatch(value), present);
      }).to.throw(PreconditionFailed, why);
      expect(() => judgeRead(ifMatch(value), present)).to.throw(PreconditionFailed, why);
    });
  }
});

describe('RFC 9110 §13.1.2 If-None-Match, for a write', () => {
  const cases: readonly [string, present: Outcome, noNode: Outcome, noDocument: Outcome][] = [
    ['*', 'fails', 'passes', 'passes'],
    ['"v2"', 'fails', 'fails', 'passes'],
    ['W/"v2"', 'fails', 'fails', 'passes'],
    ['v2', 'fails', 'fails', 'passes'],
    ['"v1", "v2"', 'fails', 'fails', 'passes'],
    ['"v1"', 'passes', 'passes', 'passes'],
    ['"*"', 'passes', 'passes', 'passes'],
  ];
  for (const [value, ofPresent, ofNoNode, ofNoDocument] of cases) {
    it(`${value} ${ofPresent} where the resource exists, ${ofNoNode} where its document has no such node, ${ofNoDocument} where there is none`, () => {
      expect(
        outcome(() => {
          judgeWrite(ifNoneMatch(value), present);
        }),
      ).to.equal(ofPresent);
      expect(
        outcome(() => {
          judgeWrite(ifNoneMatch(value), noNode);
        }),
      ).to.equal(ofNoNode);
      expect(
        outcome(() => {
          judgeWrite(ifNoneMatch(value), noDocument);
        }),
      ).to.equal(ofNoDocument);
    });
  }
});

describe('RFC 9110 §13.2.2 for a read', () => {
  it('nothing asked: send', () => {
    expect(judgeRead(parseConditions({}), present)).to.equal('send');
  });

  for (const value of ['"v2"', 'W/"v2"', 'v2', '"v1", "v2"', '*']) {
    it(`If-None-Match: ${value} is known already`, () => {
      expect(judgeRead(ifNoneMatch(value), present)).to.equal('not-modified');
    });
  }

  for (const value of ['"v1"', '"V2"', '""']) {
    it(`If-None-Match: ${value} is another state`, () => {
      expect(judgeRead(ifNoneMatch(value), present)).to.equal('send');
    });
  }

  it('If-Match comes first', () => {
    const both = parseConditions({ 'if-match': '"v1"', 'if-none-match': '"v2"' });
    expect(() => judgeRead(both, present)).to.throw(PreconditionFailed);
    expect(judgeRead(parseConditions({ 'if-match': '"v2"', 'if-none-match': '"v2"' }), present)).to.equal(
      'not-modified',
    );
  });
});

describe('RFC 9110 §8.8.3 entity tags', () => {
  for (const value of [
    '',
    ' ',
    ',',
    ' , ,',
    '"a',
    'a"',
    '" a"',
    '"a ',
    '"a" "b"',
    '*, "a"',
    '"a", *',
    '**',
    'a b',
    '"a"b',
    'W/',
    "'a'",
    '<a>',
    'a;b',
    '{a}',
    '"a\u0001"',
  ]) {
    it(`${JSON.stringify(value)} is no list of them`, () => {
      expect(() => ifMatch(value)).to.throw(BadRequest, 'If-Match');
      expect(() => ifNoneMatch(value)).to.throw(BadRequest, 'If-None-Match');
    });
  }

  it('may hold any visible character and octets beyond ASCII', () => {
    const odd = "!#$%&'()*+-./:;<=>?@[\\]^_`{|}~\u00e9,";
    expect(ifMatch(`"${odd}"`).ifMatch).to.deep.equal([{ weak: false, opaque: odd }]);
  });

  it('are sent strong, in quotes, and come back as they were', () => {
    expect(formatETag(current)).to.equal('"v2"');
    expect(
      outcome(() => {
        judgeWrite(ifMatch(formatETag(current)), present);
      }),
    ).to.equal('passes');
  });

  it('do not depend on what was parsed before, refused or not', () => {
    expect(() => ifMatch('"a" "b"')).to.throw(BadRequest);
    expect(ifMatch('"c"').ifMatch).to.deep.equal([{ weak: false, opaque: 'c' }]);
  });

  it('in a long list are read in one pass', () => {
    const list = Array.from({ length: 3000 }, (_, index) => `"t${index}"`).join(',');
    expect(ifMatch(list).ifMatch).to.have.length(3000);
    expect(() => ifMatch(`${' '.repeat(8000)}"`)).to.throw(BadRequest);
  });
});

describe('RFC 9110 §13.2.2 conditions by date', () => {
  const second = (number: number): number => Date.UTC(2026, 0, 1, 0, 0, number);
  const dated: Target = { ...present, dated: { modified: second(10) + 700 } };
  const twice: Target = { ...present, dated: { modified: second(10) + 700, otherUntil: second(10) + 100 } };
  /** The clock was set back between two states. */
  const setBack: Target = { ...present, dated: { modified: second(10), otherUntil: second(20) } };
  const date = (number: number): string => new Date(second(number)).toUTCString();

  const cases: readonly [
    title: string,
    target: Target,
    headers: Parameters<typeof parseConditions>[0],
    read: 'send' | 'not-modified' | 'fails',
    write: Outcome,
  ][] = [
    ['changed later', dated, { 'if-unmodified-since': date(9) }, 'fails', 'fails'],
    ['changed then', dated, { 'if-unmodified-since': date(10) }, 'send', 'passes'],
    ['changed before', dated, { 'if-unmodified-since': date(11) }, 'send', 'passes'],
    ['changed twice then', twice, { 'if-unmodified-since': date(10) }, 'fails', 'fails'],
    ['changed twice before', twice, { 'if-unmodified-since': date(11) }, 'send', 'passes'],
    ['a former state of a later date', setBack, { 'if-unmodified-since': date(20) }, 'fails', 'fails'],
    ['a former state of that date', setBack, { 'if-unmodified-since': date(21) }, 'send', 'passes'],
    ['no date', dated, { 'if-unmodified-since': 'soon' }, 'send', 'passes'],
    [
      'no known time',
      { ...present, dated: { modified: 0 } },
      { 'if-unmodified-since': date(9) },
      'send',
      'passes',
    ],
    ['no document', noDocument, { 'if-unmodified-since': date(9) }, 'send', 'passes'],
    ['If-Match holds', dated, { 'if-match': '"v2"', 'if-unmodified-since': date(9) }, 'send', 'passes'],
    [
      'If-Match does not hold',
      dated,
      { 'if-match': '"v1"', 'if-unmodified-since': date(11) },
      'fails',
      'fails',
    ],
    ['not since', dated, { 'if-modified-since': date(10) }, 'not-modified', 'passes'],
    ['since', dated, { 'if-modified-since': date(9) }, 'send', 'passes'],
    ['perhaps since', twice, { 'if-modified-since': date(10) }, 'send', 'passes'],
    ['no date', dated, { 'if-modified-since': 'soon' }, 'send', 'passes'],
    [
      'no known time',
      { ...present, dated: { modified: 0 } },
      { 'if-modified-since': date(11) },
      'send',
      'passes',
    ],
    [
      'If-None-Match has another tag',
      dated,
      { 'if-none-match': '"v1"', 'if-modified-since': date(11) },
      'send',
      'passes',
    ],
    [
      'If-None-Match has the tag',
      dated,
      { 'if-none-match': '"v2"', 'if-modified-since': date(9) },
      'not-modified',
      'fails',
    ],
    [
      'both dates, and it is older',
      dated,
      { 'if-unmodified-since': date(10), 'if-modified-since': date(10) },
      'not-modified',
      'passes',
    ],
  ];
  for (const [title, target, headers, read, write] of cases) {
    it(`${Object.entries(headers).flat().join(' ')}, ${title}: a read ${read}, a write ${write}`, () => {
      const conditions = parseConditions(headers);
      let outcomeOfRead = 'send';
      const passed = outcome(() => {
        outcomeOfRead = judgeRead(conditions, target);
      });
      expect(passed === 'fails' ? 'fails' : outcomeOfRead).to.equal(read);
      expect(
        outcome(() => {
          judgeWrite(conditions, target);
        }),
      ).to.equal(write);
    });
  }
});
