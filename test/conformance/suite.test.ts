import { expect } from 'chai';
import { readSuite } from '../../conformance/case-format.js';
import { Client } from '../../conformance/exchange.js';
import { credentialsOf } from '../../conformance/options.js';
import { formatText } from '../../conformance/report.js';
import { runCase, usagesOf, type RunSettings, type Verdict } from '../../conformance/run.js';
import type { DocumentKind } from '../../src/xml/schemas.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import { gateBytes } from '../../src/xml/gate.js';
import { Oracle } from '../contract/oracle.js';
import { TestSystem, who } from '../support/system.js';
import { schemas } from '../support/schemas.js';
import { limits } from '../support/limits.js';

/**
 * The conformance suite against a server in this process: one test for each case, and for each document
 * that a case puts, the verdicts of the server's XML engine and of the other one.
 */

const suite = readSuite(new URL('../../../fixtures/conformance/', import.meta.url));

const kinds: Readonly<Record<string, DocumentKind>> = {
  'application/vnd.oma.poc.groups+xml': 'group',
  'application/resource-lists+xml': 'resource-lists',
  'application/rls-services+xml': 'rls-services',
};

const identities = {
  administrator: who.administrator,
  member: 'sip:member@police.example',
  stranger: 'sip:stranger@police.example',
  server: who.mcServiceServer,
} as const;

describe('The conformance suite', () => {
  const oracle = new Oracle();
  let system: TestSystem;
  let client: Client;
  let settings: RunSettings;
  let verdicts: Verdict[] = [];
  const asked = new Set<string>();
  let number = 0;

  before(async () => {
    system = await TestSystem.start({ mcServiceServers: [{ identity: who.mcServiceServer }] });
    client = new Client({ root: system.root, deadline: 5000 });
    const roles = { identities, tokens: {}, identityHeader: 'X-3GPP-Asserted-Identity' };
    const basic = {
      root: system.root,
      send: client.send.bind(client),
      credentials: credentialsOf.bind(undefined, roles),
    };
    settings = {
      ...basic,
      domain: 'police.example',
      creationXui: 'sip:group-creation@police.example',
      identities,
      bodyLimit: 1024 * 1024,
      targetLimit: 8192,
      usages: await usagesOf(basic),
      token: 'test',
      onVerdict: (verdict) => verdicts.push(verdict),
    };
  });

  after(async () => {
    client.close();
    await system.dispose();
  });

  /** What the server's own engine says of a document. */
  function ownVerdict(kind: DocumentKind, body: Buffer): string {
    try {
      schemas().validate(kind, gateBytes(body, limits).text);
      return 'valid';
    } catch (error) {
      if (!(error instanceof XmlRefused)) throw error;
      return error.condition === 'schema-invalid' ? 'schema-validation-error' : error.condition;
    }
  }

  /** What the other engine says, which reads other encodings too and is not asked about them. */
  function otherVerdict(kind: DocumentKind, body: Buffer): string {
    const verdict = oracle.verdict(kind, body);
    return verdict === 'schema-invalid' ? 'schema-validation-error' : verdict;
  }

  const topics = [...new Set(suite.cases.map(({ topic }) => topic))];
  for (const topic of topics) {
    describe(topic, () => {
      for (const each of suite.cases.filter((one) => one.topic === topic)) {
        it(`${each.clause} ${each.title} (${each.id})`, async () => {
          verdicts = [];
          number += 1;
          const result = await runCase(each, { ...settings, token: `test${number}x` }, suite);
          expect(result.outcome, formatText([result])).to.equal('passed');
          for (const { type, body, expected } of verdicts) {
            asked.add(`${kinds[type] ?? type} ${expected}`);
            const kind = kinds[type] ?? expect.fail(`no schema for ${type}`);
            expect(ownVerdict(kind, body), 'the verdict of the engine of the server').to.equal(expected);
            if (expected === 'not-utf-8') continue;
            expect(otherVerdict(kind, body), 'the verdict of the other engine').to.equal(expected);
          }
        });
      }
    });
  }

  // Nested, so that it comes after the cases.
  describe('afterwards', () => {
    it('removes what it made', async () => {
      const directory = await system.get('/org.openmobilealliance.xcap-directory/global/directory.xml');
      expect(directory.text).not.to.include('conf-test');
      for (let each = 1; each <= number; each += 1) {
        const groupId = `sip%3Aconf-test${each}x%40police.example`;
        const path = `/org.openmobilealliance.groups/global/byGroupID/${groupId}`;
        expect((await system.get(path)).status).to.equal(404);
      }
    });

    it('has cases enough, and each kind of verdict is among those that both engines give', () => {
      expect(suite.cases.length).to.be.at.least(250);
      expect([...asked].sort()).to.deep.equal([
        'group not-utf-8',
        'group not-well-formed',
        'group schema-validation-error',
        'group valid',
        'resource-lists schema-validation-error',
        'resource-lists valid',
        'rls-services schema-validation-error',
        'rls-services valid',
      ]);
    });
  });
});
