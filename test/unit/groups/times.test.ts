import { expect } from 'chai';
import { checkTimes, remarksOnTimes, toTime } from '../../../src/groups/times.js';
import { ConstraintFailure } from '../../../src/xcap/conflicts.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { fixture } from '../../support/fixtures.js';
import { limits } from '../../support/limits.js';
import { rulesetOf, timeCases } from '../../support/member-cases.js';
import { schemas } from '../../support/schemas.js';

const frame = fixture('groups/constraints/document.xml');

/** A document that is valid against the schema. */
function group(content: string): GatedText {
  const text = frame.replace('<!-- content -->', content);
  schemas().validate('group', text);
  return gateText(text, limits);
}

describe('RFC 4745 §7.4 (erratum 1455) the validity of a rule names its time zone', () => {
  for (const [title, validity, says] of timeCases.refused) {
    it(`${title}: refused, with the element named`, () => {
      const document = group(rulesetOf(validity));
      expect(() => {
        checkTimes(document);
      }).to.throw(ConstraintFailure, `group/list-service/ruleset/rule[@id="shift"]/conditions/${says}`);
    });
  }

  for (const [title, validity] of timeCases.accepted) {
    it(`${title}: accepted without a remark`, () => {
      const document = group(rulesetOf(validity));
      checkTimes(document);
      expect(remarksOnTimes(document)).to.deep.equal([]);
    });
  }

  it('a validity that ends before it begins is remarked on', () => {
    const interval = (from: string, until: string): string =>
      `<cp:from>2026-0${from}-01T00:00:00Z</cp:from><cp:until>2026-0${until}-01T00:00:00Z</cp:until>`;
    const document = group(rulesetOf(interval('1', '2') + interval('4', '3')));
    checkTimes(document);
    expect(remarksOnTimes(document)).to.deep.equal(['validity ends before it begins: it never holds']);
  });
});

describe('XML Schema part 2, 3.2.6 durations that readers take for different times', () => {
  const remarksOn = (duration: string): readonly string[] =>
    remarksOnTimes(group(`<mcpttgi:on-network-hang-timer>${duration}</mcpttgi:on-network-hang-timer>`));

  for (const [duration, says] of [
    ['P1M', 'years or months'],
    ['P1Y', 'years or months'],
    ['P1M2DT3H', 'years or months'],
    ['-PT5S', 'below zero'],
  ] as const) {
    it(`${duration}: remarked on`, () => {
      expect(remarksOn(duration)).to.have.length(1);
      expect(remarksOn(duration)[0]).to.include('on-network-hang-timer').and.include(says);
    });
  }

  for (const duration of ['PT5S', 'P1D', 'PT1M', 'P7DT12H30M0.5S', 'PT0S']) {
    it(`${duration}: means one thing`, () => {
      expect(remarksOn(duration)).to.deep.equal([]);
    });
  }

  it('other text is no duration', () => {
    const text = '<display-name>P1M</display-name><mcpttgi:owner>Police</mcpttgi:owner>';
    expect(remarksOnTimes(group(text))).to.deep.equal([]);
  });
});

describe('XML Schema part 2, 3.2.7 times as milliseconds', () => {
  for (const [text, time] of [
    ['1970-01-01T00:00:00Z', 0],
    ['1970-01-01T01:00:00+01:00', 0],
    ['1970-01-01T00:00:00', 0],
    ['1969-12-31T24:00:00Z', 0],
    ['1970-01-01T00:00:00.2509Z', 250],
    ['12026-01-01T00:00:00Z', Date.UTC(12026, 0, 1)],
    ['-0044-03-15T00:00:00Z', Date.UTC(-44, 2, 15)],
    ['999999-01-01T00:00:00Z', Infinity],
    ['-123456789-01-01T00:00:00Z', -Infinity],
  ] as const) {
    it(`${text} is ${time}`, () => {
      expect(toTime(text)).to.equal(time);
    });
  }

  it('what is no time holds at no time', () => {
    for (const text of ['', 'now', '2026-13-01T00:00:00Z']) expect(toTime(text), text).to.be.NaN;
  });
});
