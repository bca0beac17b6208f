import { expect } from 'chai';
import fc from 'fast-check';
import { formatHttpDate, parseHttpDate } from '../../../src/xcap/http-date.js';
import { seed } from '../../support/seed.js';

describe('RFC 9110 §5.6.7 dates', () => {
  const time = Date.UTC(1994, 10, 6, 8, 49, 37);
  for (const text of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    ' Sun, 06 Nov 1994 08:49:37 GMT ',
  ]) {
    it(`${text} is read`, () => {
      expect(parseHttpDate(text)).to.equal(time);
    });
  }

  it('a year of two digits is of the century in which the date is that day of the week', () => {
    expect(parseHttpDate('Saturday, 06-Nov-94 08:49:37 GMT')).to.equal(Date.UTC(2094, 10, 6, 8, 49, 37));
    expect(parseHttpDate('Monday, 06-Nov-94 08:49:37 GMT')).to.equal(undefined);
  });

  it('a leap second is the next second', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).to.equal(Date.UTC(2017, 0, 1));
  });

  for (const text of [
    '',
    '0',
    'yesterday',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'sun, 06 nov 1994 08:49:37 gmt',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ]) {
    it(`"${text}" is none`, () => {
      expect(parseHttpDate(text)).to.equal(undefined);
    });
  }

  it('what is written is read, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (milliseconds) => {
        const second = Math.floor(milliseconds / 1000) * 1000;
        expect(parseHttpDate(formatHttpDate(milliseconds))).to.equal(second);
      }),
      { seed },
    );
  });
});
