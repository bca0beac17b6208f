import { expect } from 'chai';
import { freeValuesNear } from '../../../src/usages/free-values.js';

describe('RFC 4825 §11.1 alt-value: free values near a taken one', () => {
  it('text gets a number at its end, a SIP URI in its user part', () => {
    const isFree = (): boolean => true;
    expect(freeValuesNear('a@b', 'text', isFree)).to.deep.equal(['a@b-2', 'a@b-3', 'a@b-4']);
    expect(freeValuesNear('sips:a@b', 'uri', isFree)[0]).to.equal('sips:a-2@b');
  });

  it('no URI is offered that may belong to somebody else', () => {
    for (const uri of ['tel:+15551', 'sip:x.example', 'http://a@x.example/']) {
      expect(freeValuesNear(uri, 'uri', () => true)).to.deep.equal([]);
    }
  });

  it('the search ends where no value is free', () => {
    expect(freeValuesNear('a', 'text', () => false)).to.deep.equal([]);
  });
});
