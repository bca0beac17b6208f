import { expect } from 'chai';
import type { Modification } from '../../../src/documents/state.js';
import { derive } from '../../../src/policy/derive.js';
import { limits } from '../../support/limits.js';
import type { Policy } from '../../../src/policy/language/policy.js';
import { parsePolicy } from '../../../src/policy/language/read-policy.js';
import { schemas } from '../../support/schemas.js';
import {
  accepted,
  failureOf,
  fixtures,
  fromA,
  names,
  policyText,
  read,
  small,
  template,
} from './policy-fixtures.js';

interface Failure {
  readonly reason: string;
  readonly says: string;
}

const cases = 'policies/cases/';
const failures = 'policies/failures/';

function policiesIn(folder: string, reads: (text: string) => Policy = accepted): readonly Policy[] {
  return names(folder)
    .filter((name) => name.startsWith('policy'))
    .map((name) => reads(read(folder + name)));
}

describe('The effective document (TS 23.280 10.2.7.2 step 2, 10.2.7.3 step 4)', () => {
  it(`has cases in ${new URL(cases, fixtures).pathname.split('/').slice(-4).join('/')}`, () => {
    expect(names(cases)).not.to.be.empty;
  });

  for (const name of names(cases)) {
    describe(name, () => {
      const folder = `${cases}${name}/`;
      const input = fromA(read(`${folder}received.xml`));
      const policies = policiesIn(folder);

      it('is what is expected, byte for byte', () => {
        expect(derive(input, policies, limits).text).to.equal(read(`${folder}effective.xml`));
      });

      it('comes with the list of its changes', () => {
        const expected = JSON.parse(read(`${folder}modifications.json`)) as readonly Modification[];
        const { modifications, omitted } = derive(input, policies, limits);
        expect(modifications).to.deep.equal(expected);
        expect(omitted).to.equal(0);
      });

      it('is the same the second time, whatever the order of the policies', () => {
        const again = derive(input, [...policies].reverse(), limits);
        expect(again).to.deep.equal(derive(input, policies, limits));
      });

      it('is a valid group document as the received one is', () => {
        schemas().validate('group', input.text);
        schemas().validate('group', read(`${folder}effective.xml`));
      });
    });
  }
});

describe('A policy fails', () => {
  for (const name of names(failures)) {
    it(name, () => {
      const folder = `${failures}${name}/`;
      const input = fromA(read(`${folder}received.xml`));
      schemas().validate('group', input.text);
      const { reason, says } = JSON.parse(read(`${folder}failure.json`)) as Failure;
      // Some would be refused today when they are put; they may have been stored before.
      const policies = policiesIn(folder, (text) => parsePolicy(text));
      const error = failureOf(() => derive(input, policies, limits));
      expect(error.reason).to.equal(reason);
      expect(error.message)
        .to.match(/^template p\/t\d*: /)
        .and.include(says);
    });
  }

  it('when a condition cannot be asked', () => {
    const policy = { ...accepted(policyText('')), conditions: [{ source: 'x:y', namespaces: new Map() }] };
    const error = failureOf(() => derive(fromA(small), [policy], limits));
    expect(error.message).to.equal('policy p: prefix x is not declared');
  });

  it('when the document would exceed the limits of every document', () => {
    const policy = template('//ls:entry', '<insert place="first"><rl:a><rl:b/></rl:a></insert>');
    const elements = { ...limits, elements: 5 };
    expect(failureOf(() => derive(fromA(small), [policy], elements)).reason).to.equal('limit');
    expect(failureOf(() => derive(fromA(small), [policy], { ...limits, depth: 5 })).reason).to.equal('limit');
    expect(derive(fromA(small), [policy], { ...limits, depth: 6, elements: 6 }).text).to.include('<rl:b/>');
  });

  it('beyond twice the length of the received document and a mebibyte, not at it', () => {
    const longest = 2 * small.length + 1024 * 1024;
    const grown = (fill: number): string => {
      const policy = template('//ls:list', `<replace><ls:list a="${'x'.repeat(fill)}"/></replace>`);
      return derive(fromA(small), [policy], limits).text;
    };
    const rest = grown(0).length;
    expect(grown(longest - rest)).to.have.length(longest);
    expect(failureOf(() => grown(longest - rest + 1)).reason).to.equal('limit');
  });
});

describe('Changes of one document', () => {
  it('are listed up to a number, the others are counted', () => {
    const entries = Array.from({ length: 1200 }, (_, i) => `<entry uri="sip:${i}@a.example"/>`).join('');
    const text = small.replace('<entry uri="sip:x@a.example"/>', entries);
    const { modifications, omitted } = derive(
      fromA(text),
      [template('//ls:entry/@uri', '<set value="sip:n@b.example"/>')],
      limits,
    );
    expect(modifications).to.have.length(1000);
    expect(omitted).to.equal(200);
    expect(modifications[999]?.path).to.equal('/group/list-service/list/entry[1000]/@uri');
  });
});
