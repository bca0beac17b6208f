import { expect } from 'chai';
import { PolicyInvalid } from '../../../../src/policy/language/errors.js';
import { parsePolicy } from '../../../../src/policy/language/read-policy.js';
import { XmlRefused } from '../../../../src/xml/refusal.js';
import { schemas } from '../../../support/schemas.js';
import { accepted, names, policyText, read } from '../policy-fixtures.js';

interface InvalidPolicy {
  readonly file: string;
  readonly refusedBy: 'schema' | 'policy';
  readonly says: string;
  readonly template?: string;
}

const folder = 'policies/invalid/';

function refusal(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('A policy document (design D8)', () => {
  describe('is accepted', () => {
    for (const file of names('policies/valid')) {
      it(file, () => {
        const policy = accepted(read(`policies/valid/${file}`));
        expect(policy.id).to.match(/^[\w.-]+$/);
      });
    }

    it('demo/policy-b.xml, which is for groups of A only', () => {
      const policy = accepted(read('demo/policy-b.xml'));
      expect(policy.systems).to.deep.equal(['a']);
      expect(policy.templates.map(({ action }) => action.kind)).to.deep.equal(['clamp', 'insert']);
    });
  });

  describe('is refused, with the template and the reason', () => {
    const manifest = JSON.parse(read(`${folder}manifest.json`)) as readonly InvalidPolicy[];

    it('every fixture is in the manifest', () => {
      const files = names(folder).filter((name) => name.endsWith('.xml'));
      expect(manifest.map(({ file }) => file).sort()).to.deep.equal(files);
    });

    for (const { file, refusedBy, says, template } of manifest) {
      it(`${file}, by the ${refusedBy === 'schema' ? 'schema' : 'reading'}`, () => {
        const text = read(folder + file);
        const bySchema = refusal(() => {
          schemas().validate('policy', text);
        });
        if (refusedBy === 'schema') {
          expect(bySchema).to.be.instanceOf(XmlRefused).with.property('message').that.includes(says);
          return;
        }
        expect(bySchema).to.equal(undefined);
        const error = refusal(() => accepted(text));
        expect(error).to.be.instanceOf(PolicyInvalid);
        expect(error).to.have.property('message').that.includes(says);
        expect(error).to.have.property('template', template);
      });
    }
  });

  it('that did not meet the schema is refused all the same', () => {
    for (const { file } of (JSON.parse(read(`${folder}manifest.json`)) as readonly InvalidPolicy[]).filter(
      ({ refusedBy }) => refusedBy === 'schema',
    )) {
      const error = refusal(() => parsePolicy(read(folder + file)));
      if (error !== undefined) expect(error, file).to.be.instanceOf(PolicyInvalid);
    }
  });

  it('is plain data: a copy made for a worker is the same policy', () => {
    for (const file of names('policies/valid')) {
      const policy = accepted(read(`policies/valid/${file}`));
      expect(structuredClone(policy)).to.deep.equal(policy);
    }
  });

  it('leaves the declarations that an expression does not use behind', () => {
    const [template] = accepted(
      policyText('<template id="t" match="//ls:entry"><remove/></template>'),
    ).templates;
    expect([...(template?.match.namespaces ?? [])]).to.deep.equal([['ls', 'urn:oma:xml:poc:list-service']]);
  });
});
