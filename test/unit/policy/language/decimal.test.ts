import { expect } from 'chai';
import {
  addDecimals,
  compareDecimals,
  isWhole,
  subtractDecimals,
} from '../../../../src/policy/language/decimal.js';

describe('Decimal numbers', () => {
  const ordered = [
    '-10',
    '-9.5',
    '-0.1',
    '0',
    '0.05',
    '0.5',
    '1',
    '9',
    '10',
    '9007199254740992',
    '9007199254740993',
  ];

  it('are compared digit by digit', () => {
    ordered.forEach((a, i) => {
      ordered.forEach((b, j) => {
        expect(Math.sign(compareDecimals(a, b) ?? NaN), `${a} ${b}`).to.equal(Math.sign(i - j));
      });
    });
  });

  it('are equal in every spelling', () => {
    for (const [a, b] of [
      ['7', '+07.00'],
      ['0', '-0.0'],
      [' 7\n', '7.'],
      ['.5', '0.50'],
    ]) {
      expect(compareDecimals(a ?? '', b ?? '')).to.equal(0);
    }
  });

  it('are nothing else', () => {
    for (const text of ['', '.', '+', '1e3', '0x10', '1 2', 'NaN', 'Infinity', '١', '1,5', '--1']) {
      expect(compareDecimals(text, '0'), text).to.equal(undefined);
    }
  });
});

describe('Sums and differences of decimal numbers', () => {
  const cases: readonly [string, string, string, string][] = [
    ['1', '2', '3', '-1'],
    ['007', '3', '10', '4'],
    [' 7\n', '0.5', '7.5', '6.5'],
    ['-1.25', '.25', '-1', '-1.5'],
    ['0.1', '0.2', '0.3', '-0.1'],
    ['9007199254740993', '1', '9007199254740994', '9007199254740992'],
    ['99999999999999999999.9', '0.1', '100000000000000000000', '99999999999999999999.8'],
    ['-0', '0', '0', '0'],
  ];

  for (const [a, b, sum, rest] of cases) {
    it(`${a.trim()} and ${b}`, () => {
      expect(addDecimals(a, b)).to.equal(sum);
      expect(subtractDecimals(a, b)).to.equal(rest);
    });
  }

  it('are of numbers only', () => {
    for (const text of ['', 'x', '1e3', 'PT10S']) {
      expect(addDecimals(text, '1')).to.equal(undefined);
      expect(subtractDecimals('1', text)).to.equal(undefined);
    }
  });

  it('are whole where nothing but zeros stands behind the point', () => {
    expect(['1', '-2.', '3.00', '+4'].every(isWhole)).to.equal(true);
    expect(['1.5', '.1', 'x', ''].some(isWhole)).to.equal(false);
  });
});
