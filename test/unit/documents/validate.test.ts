import { expect } from 'chai';
import { admit, judge } from '../../../src/documents/validate.js';
import {
  ConstraintFailure,
  NotUtf8,
  NotWellFormed,
  SchemaValidationError,
  type XcapConflict,
} from '../../../src/xcap/conflicts.js';
import { Schemas } from '../../../src/xml/schemas.js';
import { bytesOf, listedDocuments, type Verdict } from '../../contract/documents.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { fixtureBytes } from '../../support/fixtures.js';

const limits = { depth: 64, attributes: 256, namespaces: 64, elements: 50_000 };
const usage = groupUsageOf('police.example');

const conditions: Readonly<Record<Exclude<Verdict, 'valid'>, new (phrase: string) => XcapConflict>> = {
  'not-utf-8': NotUtf8,
  'not-well-formed': NotWellFormed,
  'schema-invalid': SchemaValidationError,
};

describe('RFC 4825 §8.2.5 what a document must be', () => {
  let schemas: Schemas;

  before(() => {
    schemas = Schemas.open(new URL('../../../../schemas/', import.meta.url));
  });

  function check(bytes: Buffer): void {
    judge(usage, admit(bytes, limits), schemas);
  }

  for (const document of listedDocuments('groups', 'group')) {
    const { path, verdict } = document;
    it(`${path}: ${verdict}`, () => {
      const judged = (): void => {
        check(bytesOf(document));
      };
      if (verdict === 'valid') expect(judged).not.to.throw();
      else if (verdict === 'refused') expect.fail('the manifest names no condition');
      else expect(judged).to.throw(conditions[verdict]);
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
