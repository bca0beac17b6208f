import { expect } from 'chai';
import { admit, judge } from '../../../src/documents/validate.js';
import {
  ConstraintFailure,
  NotUtf8,
  NotWellFormed,
  SchemaValidationError,
  type XcapConflict,
} from '../../../src/xcap/conflicts.js';
import { bytesOf, listedDocuments, type Verdict } from '../../contract/documents.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { fixtureBytes } from '../../support/fixtures.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

const usage = groupUsageOf('police.example');

const conditions: Readonly<Record<Exclude<Verdict, 'valid'>, new (phrase: string) => XcapConflict>> = {
  'not-utf-8': NotUtf8,
  'not-well-formed': NotWellFormed,
  'schema-invalid': SchemaValidationError,
};

describe('RFC 4825 §8.2.5 what a document must be', () => {
  function check(bytes: Buffer): void {
    judge(usage, admit(bytes, limits), schemas());
  }

  // One document for each verdict: test/conformance/groups.test.ts sends every one of them to a server, and
  // test/contract/xml-engines.test.ts asks both engines about it.
  const documents = listedDocuments('groups', 'group');

  it('well-formed and valid: nothing is thrown', () => {
    const valid = documents.find(({ verdict }) => verdict === 'valid');
    if (valid === undefined) throw new Error('the manifest lists no valid document');
    check(bytesOf(valid));
  });

  for (const [verdict, condition] of Object.entries(conditions)) {
    it(`what is ${verdict} is refused with the condition of that name`, () => {
      const document = documents.find((each) => each.verdict === verdict);
      if (document === undefined) throw new Error(`the manifest lists no document that is ${verdict}`);
      expect(() => {
        check(bytesOf(document));
      }).to.throw(condition);
    });
  }

  it('within the limits and without a document type declaration: constraint-failure', () => {
    for (const name of ['billion-laughs.xml', 'external-entity.xml']) {
      expect(() => {
        check(fixtureBytes(`hostile/${name}`));
      }).to.throw(ConstraintFailure, 'document type');
    }
    expect(() => {
      check(Buffer.from('<a>'.repeat(65) + '</a>'.repeat(65)));
    }).to.throw(ConstraintFailure, '64 levels');
  });

  it('valid against its schema before the constraints of the usage are asked', () => {
    const group = (services: string): Buffer =>
      Buffer.from(`<group xmlns="urn:oma:xml:poc:list-service">${services}</group>`);
    expect(() => {
      check(group('<list-service/><list-service/>'));
    }).to.throw(SchemaValidationError);
    expect(() => {
      check(group('<list-service uri="sip:a@h"/><list-service uri="sip:b@h"/>'));
    }).to.throw(ConstraintFailure);
  });
});
