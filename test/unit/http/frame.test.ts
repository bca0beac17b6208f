import { expect } from 'chai';
import { BadRequest } from '../../../src/base/refusals.js';
import { refusalAnswer } from '../../../src/http/errors.js';
import { framed, type WriteRefusal } from '../../../src/http/frame.js';
import type { XcapAnswer, XcapRequest } from '../../../src/http/messages.js';
import { Conflict, problemAnswer } from '../../../src/http/problem.js';
import { ProvisionRefused } from '../../../src/interconnection/partner/provision.js';
import { StoreFailure } from '../../../src/store/store.js';
import { ConstraintFailure } from '../../../src/xcap/conflicts.js';
import { RecordedLog } from '../../support/log.js';

const request: XcapRequest = {
  method: 'GET',
  target: '/',
  headers: {},
  readBody: () => Promise.resolve(Buffer.alloc(0)),
  gone: () => new AbortController().signal,
};

const headers = { 'Cache-Control': 'no-store', Vary: 'Authorization' };

async function handled(
  answer: () => Promise<XcapAnswer>,
  write: WriteRefusal = refusalAnswer,
): Promise<XcapAnswer & { readonly log: RecordedLog }> {
  const log = new RecordedLog();
  return { ...(await framed(answer, { write, headers, log })(request)), log };
}

function refusing(error: Error): () => Promise<XcapAnswer> {
  return () => Promise.reject(error);
}

describe('The frame of handlers', () => {
  it('adds its header fields, of which the answer may have its own', async () => {
    const given = { status: 200, headers: { Vary: 'Accept', ETag: '"a"' }, body: 'b' };
    const { log, ...answer } = await handled(() => Promise.resolve(given));
    expect(answer).to.deep.equal({
      status: 200,
      headers: { 'Cache-Control': 'no-store', Vary: 'Accept', ETag: '"a"' },
      body: 'b',
    });
    expect(log.lines).to.deep.equal([]);
  });

  for (const [error, status, body] of [
    [new BadRequest('this is wrong', 'and this is for the log'), 400, 'this is wrong\n'],
    [new ProvisionRefused('reception', new BadRequest('this is wrong')), 400, 'this is wrong\n'],
    [
      new StoreFailure('no space left on device', { full: true }),
      507,
      'no room is left to store the document\n',
    ],
    [new TypeError('a fault at /home/x'), 500, undefined],
  ] as const) {
    it(`${error.name} "${error.message}" is answered with ${status}, and the detail goes to the log`, async () => {
      const { log, ...answer } = await handled(refusing(error));
      expect(answer.status).to.equal(status);
      expect(answer.body).to.equal(body);
      expect(answer.headers).to.include(headers);
      expect(JSON.stringify(log.lines)).to.include(error.message);
    });
  }

  it('a conflict is an xcap-error document (RFC 4825 §11)', async () => {
    const answer = await handled(refusing(new ConstraintFailure('this does not hold')));
    expect(answer.status).to.equal(409);
    expect(answer.headers['Content-Type']).to.equal('application/xcap-error+xml');
    expect(answer.body).to.include('<constraint-failure phrase="this does not hold"');
  });

  for (const [error, status, detail] of [
    [new Conflict('this is defined elsewhere'), 409, 'this is defined elsewhere'],
    [new TypeError('a fault at /home/x'), 500, undefined],
  ] as const) {
    it(`${error.name} as problem details tells status and phrase, and nothing else (RFC 9457 §3.1)`, async () => {
      const answer = await handled(refusing(error), problemAnswer);
      expect(answer.status).to.equal(status);
      expect(answer.headers['Content-Type']).to.equal('application/problem+json');
      const { type, title, ...rest } = JSON.parse(String(answer.body)) as Record<string, unknown>;
      expect(type).to.equal('about:blank');
      expect(title).to.be.a('string').and.not.equal('');
      expect(rest).to.deep.equal(detail === undefined ? { status } : { status, detail });
    });
  }
});
