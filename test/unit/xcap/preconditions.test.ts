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
