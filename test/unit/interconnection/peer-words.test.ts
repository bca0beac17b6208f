import { expect } from 'chai';
import type { WallTime } from '../../../src/base/clock.js';
import type { GroupId } from '../../../src/base/identifiers.js';
import { groupMediaType } from '../../../src/groups/names.js';
import {
  answerToKeep,
  readRetryAfter,
  wordsOf,
  type PeerWords,
  type Spoken,
} from '../../../src/interconnection/peer-words.js';
import {
  provisionFailed,
  provisionSucceeded,
  resultMediaType,
} from '../../../src/interconnection/result/result.js';
import { writeResult } from '../../../src/interconnection/result/write-result.js';
import { ConstraintFailure, writeXcapError } from '../../../src/xcap/conflicts.js';
import { mediaTypes } from '../../../src/xcap/media-types.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';
import { joint, theirIncarnation } from './parts.js';

function heard(spoken: Partial<Omit<Spoken, 'body'>> & { readonly text?: string }): PeerWords {
  const { text = '', ...rest } = spoken;
  const bare = { method: 'PUT', status: 409, mediaType: '', etag: undefined, incarnation: undefined };
  const answer = { ...bare, ...rest, body: Buffer.from(text) };
  return wordsOf(answer, joint, { schemas: schemas(), limits });
}

const failed = writeResult(provisionFailed(joint, 'modification', { phrase: 'a bad\nline' }));
const xcapError = writeXcapError(new ConstraintFailure('too many members'));

describe('What a peer says in its answer (23.280 table 10.2.2.y-1)', () => {
  it('of a Result, the outcome of each step is kept with the status and the time', () => {
    const { result } = heard({ mediaType: resultMediaType, text: failed });
    expect(answerToKeep(409, result, 7)).to.deep.equal({
      status: 409,
      at: 7,
      result: {
        reception: 'success',
        modification: 'failure',
        storage: 'not-attempted',
        modifications: null,
      },
    });
  });

  it('how many parts were modified is kept where the peer tells', () => {
    const change = { template: 't', path: 'p', before: null, after: 'x' };
    const text = writeResult(provisionSucceeded(joint, [change], 4));
    const { result } = heard({ status: 200, mediaType: resultMediaType, text });
    expect(answerToKeep(200, result, 0).result?.modifications).to.equal(5);
  });

  it('without a Result that makes sense, there is the status alone', () => {
    for (const [mediaType, text] of [
      ['', ''],
      ['text/plain', failed],
      [resultMediaType, failed.slice(1)],
      [resultMediaType, '<!DOCTYPE a><a/>'],
    ] as const) {
      const { own, result, explanation } = heard({ mediaType, text });
      expect([own, result, explanation]).to.deep.equal([false, undefined, '']);
      expect(answerToKeep(409, result, 7)).to.deep.equal({ status: 409, at: 7, result: null });
    }
  });

  it('the explanation is that of the failed step, or of an xcap-error, in one line', () => {
    expect(heard({ mediaType: resultMediaType, text: failed }).explanation).to.equal(
      'modification failed, a bad line',
    );
    expect(heard({ mediaType: mediaTypes.error, text: xcapError }).explanation).to.equal(
      'constraint-failure: too many members',
    );
  });

  it('the explanation is no longer than an operator reads', () => {
    const text = writeResult(provisionFailed(joint, 'storage', { phrase: 'long '.repeat(150) }));
    expect(heard({ mediaType: resultMediaType, text }).explanation).to.have.length(300);
  });

  it('RFC 9110 clause 10.2.3: Retry-After is seconds or a date, and anything else is nonsense', () => {
    const now = Date.UTC(2026, 0, 1) as WallTime;
    const later = new Date(now + 90_000).toUTCString();
    const earlier = new Date(now - 90_000).toUTCString();
    const values = ['120', '0', later, earlier, 'soon', '-1', '1.5', '12345678901', undefined];
    expect(values.map((value) => readRetryAfter(value, now))).to.deep.equal([
      120_000,
      0,
      90_000,
      0,
      ...Array.from({ length: 5 }, () => undefined),
    ]);
  });
});

describe('Whether a peer itself says it (design D20)', () => {
  const statuses = Array.from({ length: 400 }, (_, i) => i + 200);
  const methods = ['GET', 'HEAD', 'PUT', 'DELETE'];

  for (const [title, said] of [
    ['a Result about the group', { mediaType: resultMediaType, text: failed }],
    ['an xcap-error (RFC 4825 clause 11)', { mediaType: mediaTypes.error, text: xcapError }],
    ['the incarnation of its store', { incarnation: theirIncarnation }],
  ] as const) {
    it(`${title}: it does, whatever the method and the status`, () => {
      for (const method of methods) {
        for (const status of [200, 304, 401, 403, 404, 410, 412, 429, 500, 503]) {
          expect(heard({ ...said, method, status }).own, `${method} ${status}`).to.equal(true);
        }
      }
    });
  }

  const of = (
    said: Parameters<typeof heard>[0],
    statuses: readonly number[],
  ): Readonly<Record<string, readonly number[]>> =>
    Object.fromEntries(
      methods.map((method) => [method, statuses.filter((status) => heard({ ...said, method, status }).own)]),
    );

  it('a page, and an answer with nothing in it, are nobody’s words', () => {
    for (const said of [{}, { mediaType: 'text/html', text: '<html></html>' }, { mediaType: 'text/plain' }]) {
      expect(of(said, statuses)).to.deep.equal({ GET: [], HEAD: [], PUT: [], DELETE: [] });
    }
  });

  it('RFC 4825 clause 8.5: a strong tag is, where a document was put or has not changed', () => {
    expect(of({ etag: '"t"' }, statuses)).to.deep.equal({
      GET: [304],
      HEAD: [304],
      PUT: [200, 201, 204],
      DELETE: [],
    });
    const page = of({ etag: '"t"', mediaType: 'text/html' }, statuses);
    expect([page['PUT'], page['DELETE']], 'pages have strong tags as well').to.deep.equal([[], []]);
  });

  it('a group document is, where one was asked for', () => {
    expect(of({ mediaType: groupMediaType }, statuses)).to.deep.equal({
      GET: [200],
      HEAD: [200],
      PUT: [],
      DELETE: [],
    });
  });

  it('a Result about another group, and an xcap-error that is none, are not', () => {
    const text = writeResult(
      provisionFailed('sip:other@police.example' as GroupId, 'storage', { phrase: 'no' }),
    );
    expect(heard({ mediaType: resultMediaType, text })).to.deep.equal({
      own: false,
      result: undefined,
      explanation: '',
    });
    for (const wrong of ['', '<xcap-error/>', xcapError.slice(0, -1), '<!DOCTYPE a><a/>']) {
      expect(heard({ mediaType: mediaTypes.error, text: wrong }).own, wrong).to.equal(false);
    }
  });
});
