import { expect } from 'chai';
import {
  BadGateway,
  BadRequest,
  ContentTooLarge,
  Forbidden,
  Gone,
  InsufficientStorage,
  MethodNotAllowed,
  NotFound,
  NotImplemented,
  PreconditionFailed,
  PreconditionRequired,
  ServiceUnavailable,
  UnsupportedMediaType,
  UriTooLong,
} from '../../../src/base/refusals.js';

describe('Refusals', () => {
  const statuses: readonly [number, { status: number }][] = [
    [400, new BadRequest('no')],
    [403, new Forbidden('no')],
    [404, new NotFound('no')],
    [405, new MethodNotAllowed(['GET'])],
    [410, new Gone('no')],
    [412, new PreconditionFailed('no')],
    [413, new ContentTooLarge('no')],
    [414, new UriTooLong('no')],
    [415, new UnsupportedMediaType('no')],
    [428, new PreconditionRequired('no')],
    [501, new NotImplemented('no')],
    [502, new BadGateway('no')],
    [503, new ServiceUnavailable('no', 30)],
    [507, new InsufficientStorage('no')],
  ];
  for (const [status, error] of statuses) {
    it(`${error.constructor.name} is ${status}`, () => {
      expect(error.status).to.equal(status);
    });
  }

  it('tell the methods that are allowed, and when to come again', () => {
    expect(new MethodNotAllowed(['GET', 'HEAD']).headers).to.deep.equal({ Allow: 'GET, HEAD' });
    expect(new ServiceUnavailable('no', 30).headers).to.deep.equal({ 'Retry-After': '30' });
    expect(new NotFound('no').headers).to.deep.equal({});
  });

  it('keep the detail for the log apart from the phrase for the requester', () => {
    const error = new BadGateway('the group cannot be fetched', 'ECONNREFUSED 10.0.0.1');
    expect(error.phrase).to.equal('the group cannot be fetched');
    expect(error.message).to.equal('ECONNREFUSED 10.0.0.1');
    expect(error.name).to.equal('BadGateway');
  });
});
