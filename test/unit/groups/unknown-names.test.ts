import { expect } from 'chai';
import type { SystemName } from '../../../src/base/identifiers.js';
import { HomeSystems } from '../../../src/mc-systems/homes.js';
import { ConstraintFailure } from '../../../src/xcap/conflicts.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { fixture } from '../../support/fixtures.js';
import { groupUsageOf } from '../../support/group-usage.js';
import { limits } from '../../support/limits.js';

/** Where no domain is configured, nothing is said of those of the fixtures. */
const homes = new HomeSystems({ name: 'own' as SystemName, domains: [], telPrefixes: [] }, []);
const usage = groupUsageOf('police.example', { homes });

describe('TS 24.481 7.2.4.2: names that the schema of 3GPP does not declare', () => {
  const strict = groupUsageOf('police.example', { unknownNames: 'refuse' });
  const named = (path: string): GatedText => gateText(fixture(`groups/${path}`), limits);
  const remarks = (document: GatedText): readonly string[] => usage.factsOf(document).remarks;

  it('a document with such names is good, and they are remarked on', () => {
    const document = named('accepted/private-names.xml');
    usage.check(document);
    expect(remarks(document)).to.have.length(1);
    expect(remarks(document)[0]).to.include('session-type');
  });

  it('such a document is refused where the configuration is strict', () => {
    expect(() => {
      strict.check(named('accepted/private-names.xml'));
    }).to.throw(ConstraintFailure, 'session-type');
  });

  it('extensions in other namespaces, and names that stand within types, are no such names', () => {
    for (const path of [
      'valid/unknown-extensions.xml',
      'valid/chat-multi-talker.xml',
      'valid/geographic-areas.xml',
    ]) {
      expect(remarks(named(path)), path).to.deep.equal([]);
      strict.check(named(path));
    }
  });

  it('attributes count too; each name is reported once, ten at most', () => {
    const odd = Array.from({ length: 30 }, (_, index) => `<m:odd-${index}/><m:odd-${index} m:a=""/>`).join(
      '',
    );
    const text = `<group xmlns="urn:oma:xml:poc:list-service" xmlns:m="urn:3gpp:ns:mcpttGroupInfo:1.0"><list-service uri="sip:g@h">${odd}</list-service></group>`;
    expect(remarks(gateText(text, limits))[0]?.split(': ')[1]?.split(', ')).to.deep.equal([
      'odd-0',
      '@a',
      ...Array.from({ length: 8 }, (_, index) => `odd-${index + 1}`),
    ]);
  });
});
