import { expect } from 'chai';
import fc from 'fast-check';
import type { GroupId } from '../../../../src/base/identifiers.js';
import type { Modification } from '../../../../src/documents/state.js';
import {
  endings,
  isRefusalCode,
  NotProvided,
  statusOfCode,
} from '../../../../src/interconnection/result/not-provided.js';
import {
  provisionFailed,
  provisionSteps,
  provisionSucceeded,
  reasonOf,
  type Result,
} from '../../../../src/interconnection/result/result.js';
import { readResult } from '../../../../src/interconnection/result/read-result.js';
import { writeResult } from '../../../../src/interconnection/result/write-result.js';
import { NoParent, SchemaValidationError, UniquenessFailure } from '../../../../src/xcap/conflicts.js';
import { Forbidden } from '../../../../src/base/refusals.js';
import { gateText } from '../../../../src/xml/gate.js';
import { XmlRefused } from '../../../../src/xml/refusal.js';
import { limits } from '../../../support/limits.js';
import { schemas } from '../../../support/schemas.js';
import { names, read } from '../../policy/policy-fixtures.js';
import { seed } from '../../../support/seed.js';

const groupId = 'sip:flood-relief@a.example' as GroupId;

interface InvalidResult {
  readonly file: string;
  readonly refusedBy: 'gate' | 'schema' | 'reading';
}

function xmlFiles(folder: string): readonly string[] {
  return names(folder).filter((name) => name.endsWith('.xml'));
}

/** What `result` says after it was written, validated and read. */
function again(result: Result): Result | undefined {
  const text = writeResult(result);
  schemas().validate('result', text);
  return readResult(text, schemas(), limits);
}

/** Elements as a reader gives them: each with its namespace, lists where nothing was. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('The Result (TS 23.280 tables 10.2.2.y-1 and 10.2.2.w-1)', () => {
  describe('of a peer is read', () => {
    const expected = JSON.parse(read('results/valid/manifest.json')) as Readonly<Record<string, unknown>>;
    for (const file of xmlFiles('results/valid')) {
      it(file, () => {
        const result = readResult(read(`results/valid/${file}`), schemas(), limits);
        expect(plain(result)).to.deep.equal(expected[file]);
      });

      it(`${file}, and says the same when it is written again`, () => {
        const result = readResult(read(`results/valid/${file}`), schemas(), limits);
        if (result === undefined) throw new Error('it is not read');
        expect(again(result)).to.deep.equal(result);
      });
    }
  });

  describe('of a peer is not believed', () => {
    const manifest = JSON.parse(read('results/invalid/manifest.json')) as readonly InvalidResult[];

    it('every fixture is in the manifest', () => {
      expect(manifest.map(({ file }) => file).sort()).to.deep.equal(xmlFiles('results/invalid'));
    });

    for (const { file, refusedBy } of manifest) {
      it(`${file}, refused by ${refusedBy}`, () => {
        const text = read(`results/invalid/${file}`);
        expect(readResult(text, schemas(), limits)).to.equal(undefined);
        const gate = (): unknown => gateText(text, limits);
        const schema = (): void => {
          schemas().validate('result', text);
        };
        if (refusedBy === 'gate') expect(gate).to.throw(XmlRefused);
        else expect(gate).not.to.throw();
        if (refusedBy === 'schema') expect(schema).to.throw(XmlRefused);
        if (refusedBy === 'reading') expect(schema).not.to.throw();
      });
    }

    it('beyond the limits', () => {
      const text = read('results/valid/stored-with-modifications.xml');
      expect(readResult(text, schemas(), { ...limits, elements: 3 })).to.equal(undefined);
    });
  });

  describe('is written', () => {
    it('for a provision that succeeded, with what was modified where that is told', () => {
      expect(again(provisionSucceeded(groupId))).to.deep.equal(provisionSucceeded(groupId));
      const modifications = [{ template: 'p/t', path: '/group', before: null, after: '' }];
      const told = provisionSucceeded(groupId, modifications);
      expect(again(told)).to.deep.equal({ ...told, omitted: 0 });
      expect(again(provisionSucceeded(groupId, [])))
        .to.have.property('modifications')
        .that.deep.equals([]);
    });

    it('for a provision that failed: what came before succeeded, the rest was not attempted', () => {
      const reason = { phrase: 'because' };
      const outcomes = provisionSteps.map((failed) => {
        const result = provisionFailed(groupId, failed, reason);
        expect(again(result)).to.deep.equal(result);
        return provisionSteps.map((step) => result[step].outcome);
      });
      expect(outcomes).to.deep.equal([
        ['failure', 'not-attempted', 'not-attempted'],
        ['success', 'failure', 'not-attempted'],
        ['success', 'success', 'failure'],
      ]);
    });

    it('for a request that is refused', () => {
      const result: Result = {
        kind: 'request',
        groupId,
        reason: reasonOf(new Forbidden('not yours', 'secret')),
      };
      expect(again(result)).to.deep.equal(result);
      expect(writeResult(result)).not.to.include('secret');
    });

    it('for a group that is not provided, with the code of the refusal (design D16)', () => {
      for (const code of Object.keys(statusOfCode).filter(isRefusalCode)) {
        const reason = reasonOf(new NotProvided(code));
        expect(reason.code).to.equal(code);
        const result: Result = { kind: 'request', groupId, reason };
        expect(writeResult(result)).to.include(`code="${code}"`);
        expect(again(result)).to.deep.equal(result);
      }
      expect([...endings].sort()).to.deep.equal(['deleted', 'no-longer-shared', 'not-shared']);
    });

    it('a code that nobody knows is read as none', () => {
      const result: Result = { kind: 'request', groupId, reason: reasonOf(new NotProvided('deleted')) };
      const known = writeResult(result);
      for (const code of ['Deleted', 'gone', 'toString', '__proto__', '']) {
        const read = readResult(known.replace('code="deleted"', `code="${code}"`), schemas(), limits);
        if (read === undefined) continue;
        expect(read.kind === 'request' && read.reason, code).not.to.have.property('code');
      }
      const plain = readResult(known.replace(' code="deleted"', ''), schemas(), limits);
      expect(plain?.kind === 'request' && plain.reason).to.deep.equal({ phrase: result.reason.phrase });
    });

    it("with the xcap-error's own element as reason, valid in an xcap-error too", () => {
      for (const refused of [
        new SchemaValidationError('line 3: <x> & "y"'),
        new NoParent('no such folder', 'http://xcap.example/root'),
        new UniquenessFailure('taken', [
          { field: 'group/list-service/@uri', alternatives: ['sip:b@a.example'] },
        ]),
      ]) {
        const { phrase, element } = reasonOf(refused);
        const result = provisionFailed(groupId, 'reception', { phrase, ...(element && { element }) });
        expect(writeResult(result)).to.include(
          `<${element?.name ?? ''} xmlns="urn:ietf:params:xml:ns:xcap-error"`,
        );
        const back = again(result);
        expect(back?.kind === 'provision' && back.reception.outcome).to.equal('failure');
        expect(writeResult(back ?? result)).to.equal(writeResult(result));
      }
    });

    it('within its schema, however much there is to say', () => {
      const modifications = Array.from({ length: 1500 }, (_, i): Modification => {
        return { template: `p/${i}`, path: '/group', before: null, after: null };
      });
      const result = again(provisionSucceeded(groupId, modifications));
      expect(result).to.have.property('modifications').that.has.length(1000);
      expect(result).to.have.property('omitted', 500);
      const carried = again(provisionSucceeded(groupId, modifications, 200));
      expect(carried).to.have.property('omitted', 700);
      expect(again(provisionSucceeded(groupId, [], 200))).to.have.property('omitted', 200);
      expect(again(provisionSucceeded(groupId, undefined, 200))).to.not.have.property('omitted');
      const long = again(provisionFailed(groupId, 'storage', { phrase: '\u{1F692}'.repeat(2000) }));
      expect(JSON.stringify(long)).to.include('…');
    });

    it('no longer than what a peer reads of an answer, whatever the values', () => {
      for (const value of ['"'.repeat(300), '\u{1F692}'.repeat(150), '&\r'.repeat(150)]) {
        const modifications = Array.from({ length: 1000 }, (_, i): Modification => {
          return { template: `p/${i}`, path: value, before: value, after: value };
        });
        const result = provisionSucceeded(groupId, modifications, 5);
        expect(Buffer.byteLength(writeResult(result))).to.be.below(2 * 1024 * 1024 * 0.75);
        const told = again(result);
        const listed = told?.kind === 'provision' ? (told.modifications?.length ?? 0) : 0;
        expect(listed).to.be.above(100);
        expect(told).to.have.property('omitted', 1000 - listed + 5);
      }
    });

    it(`and read back with any text in it, seed ${seed}`, () => {
      const text = fc
        .string({ unit: 'grapheme', maxLength: 30 })
        .map((value) => value.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''));
      const optional = fc.option(
        fc.oneof(text, fc.constantFrom('', ' ', ']]>', '\r\n\t', '&amp;<', '0x10', '1e5', '-->')),
      );
      const modification = fc.record({ template: text, path: text, before: optional, after: optional });
      fc.assert(
        fc.property(fc.array(modification, { maxLength: 4 }), text, (modifications, phrase) => {
          const told = provisionSucceeded(groupId, modifications);
          expect(again(told)).to.deep.equal({ ...told, omitted: 0 });
          const failed = provisionFailed(groupId, 'modification', { phrase });
          expect(again(failed)).to.deep.equal(failed);
        }),
        { seed, numRuns: 300 },
      );
    });
  });
});
