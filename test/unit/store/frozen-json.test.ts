import { expect } from 'chai';
import { frozenCopy } from '../../../src/store/frozen-json.js';
import type { Json } from '../../../src/store/store.js';

describe('The frozen copy of a value', () => {
  it('copies what JSON holds, deeply and frozen', () => {
    const data = { a: [1, { b: null }], c: 'x', d: true };
    const copy = frozenCopy(data);
    expect(copy).to.deep.equal(data);
    expect(copy).not.to.equal(data);
    expect(copy).to.be.frozen;
    expect(copy.a).to.be.frozen.and.not.to.equal(data.a);
    expect(copy.a[1]).to.be.frozen;
  });

  it('keeps a member named __proto__ a member', () => {
    const data = JSON.parse('{"__proto__":{"polluted":true}}') as Json;
    const copy = frozenCopy(data);
    expect(JSON.stringify(copy)).to.equal(JSON.stringify(data));
    expect(copy).not.to.have.property('polluted');
  });

  it('writes negative zero as the zero that JSON reads back', () => {
    expect(Object.is(frozenCopy<Json>(-0), 0)).to.equal(true);
  });

  for (const [kind, value] of Object.entries({
    'a number that is none': Number.NaN,
    infinity: Number.NEGATIVE_INFINITY,
    undefined: undefined,
    'a function': () => 1,
    'a symbol': Symbol('x'),
    'a big integer': 1n,
  })) {
    it(`refuses ${kind} and says where it stands`, () => {
      const data = { list: [0, { inner: value }] } as unknown as Json;
      expect(() => frozenCopy(data)).to.throw(TypeError, 'data.list[1].inner');
    });
  }

  it('refuses the hole of a sparse array', () => {
    const sparse: Json[] = [1];
    sparse[2] = 3;
    expect(() => frozenCopy<Json>(sparse)).to.throw(TypeError, 'data[1]');
  });
});
