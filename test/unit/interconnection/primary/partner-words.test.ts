import { expect } from 'chai';
import type { PeerAnswer } from '../../../../src/interconnection/peer-client.js';
import {
  answerToKeep,
  explanationOf,
  readRetryAfter,
} from '../../../../src/interconnection/primary/partner-words.js';
import {
  provisionFailed,
  provisionSucceeded,
  resultMediaType,
} from '../../../../src/interconnection/result/result.js';
import { writeResult } from '../../../../src/interconnection/result/write-result.js';
import { ConstraintFailure, writeXcapError } from '../../../../src/xcap/conflicts.js';
import { mediaTypes } from '../../../../src/xcap/media-types.js';
import { joint } from '../parts.js';
import { limits } from '../../../support/limits.js';
import { schemas } from '../../../support/schemas.js';

function said(mediaType: string, text: string, status = 409): PeerAnswer {
  return { status, mediaType, etag: undefined, retryAfter: undefined, body: Buffer.from(text) };
}

describe('What a partner says in its answer (23.280 table 10.2.2.y-1)', () => {
  const tools = { schemas: schemas(), limits };
  const failed = writeResult(provisionFailed(joint, 'modification', { phrase: 'a bad\nline' }));

  it('of a Result, the outcome of each step is kept with the status and the time', () => {
    expect(answerToKeep(said(resultMediaType, failed), 7, tools)).to.deep.equal({
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

  it('how many parts were modified is kept where the partner tells', () => {
    const change = { template: 't', path: 'p', before: null, after: 'x' };
    const told = writeResult(provisionSucceeded(joint, [change], 4));
    expect(answerToKeep(said(resultMediaType, told, 200), 0, tools).result?.modifications).to.equal(5);
  });

  it('without a Result that makes sense, there is the status alone', () => {
    for (const answer of [
      said('', ''),
      said('text/plain', failed),
      said(resultMediaType, failed.slice(1)),
      said(resultMediaType, '<!DOCTYPE a><a/>'),
    ]) {
      expect(answerToKeep(answer, 7, tools)).to.deep.equal({ status: 409, at: 7, result: null });
      expect(explanationOf(answer, tools)).to.equal('');
    }
  });

  it('the explanation is that of the failed step, or of an xcap-error, in one line', () => {
    expect(explanationOf(said(resultMediaType, failed), tools)).to.equal('modification failed, a bad line');
    const error = writeXcapError(new ConstraintFailure('too many members'));
    expect(explanationOf(said(mediaTypes.error, error), tools)).to.equal(
      'constraint-failure: too many members',
    );
  });

  it('RFC 9110 clause 10.2.3: Retry-After is seconds or a date, and anything else is nonsense', () => {
    const now = Date.UTC(2026, 0, 1);
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
