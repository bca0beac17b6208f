import { expect } from 'chai';
import { KnownPrincipals, principalOf, type KnownIdentities } from '../../../src/auth/asserted-identity.js';
import type { SystemName } from '../../../src/base/identifiers.js';
import { HomeSystems } from '../../../src/mc-systems/homes.js';

const homes = new HomeSystems(
  { name: 'police' as SystemName, domains: ['police.example'], telPrefixes: ['tel:+1555'] },
  [{ name: 'fire' as SystemName, domains: ['fire.example'], telPrefixes: [] }],
);

describe('X-3GPP-Asserted-Identity (TS 24.109; TS 24.482 Annex A)', () => {
  const known: KnownIdentities = {
    administrators: new Set(['sip:admin@police.example', 'tel:+15550100']),
    mcServiceServers: new Set(['sip:mcptt@police.example']),
    peers: new Map([['sip:gms@fire.example', 'fire' as SystemName]]),
    homes,
  };

  for (const [value, kind] of [
    ['sip:admin@police.example', 'administrator'],
    ['"sip:admin@police.example"', 'administrator'],
    ['<sip:admin@police.example>', 'administrator'],
    [' sip:admin@police.example ', 'administrator'],
    ['SIP:admin@Police.Example', 'administrator'],
    ['sip:%61dmin@police.example', 'administrator'],
    ['tel:+1-555-0100', 'administrator'],
    ['sip:mcptt@police.example', 'mc-service-server'],
    ['sip:gms@fire.example', 'peer'],
    ['sip:unit.1@police.example', 'user'],
    ['tel:+15559', 'user'],
    ['sip:unit.1@fire.example', 'nobody'],
    ['sip:unit.1@attacker.example', 'nobody'],
    ['sip:Admin@police.example', 'user'],
    ['sips:admin@police.example', 'user'],
    ['admin', 'nobody'],
    ['', 'nobody'],
    ['""', 'nobody'],
    ['<>', 'nobody'],
    ['sip:admin@police.example, sip:unit.1@police.example', 'nobody'],
    ['"sip:admin@police.example", "sip:unit.1@police.example"', 'nobody'],
    ['sip:unit.1@fire.example,sip:admin@police.example', 'nobody'],
    ['"Admin" <sip:admin@police.example>', 'nobody'],
    ['sip:admin@police.example;x', 'user'],
    ['"sip:admin@police.example', 'nobody'],
    ['<sip:admin@police.example', 'nobody'],
    ['sip:admin@police.example\u0000', 'nobody'],
    ['constructor', 'nobody'],
  ] as const) {
    it(`${JSON.stringify(value)} is the principal ${kind}`, () => {
      expect(principalOf(value, known).kind).to.equal(kind);
    });
  }

  it('a request without the field is from nobody', () => {
    expect(principalOf(undefined, known)).to.deep.equal({ kind: 'nobody' });
  });

  it('the identity is canonical in the principal, and a peer comes with its system', () => {
    expect(principalOf('SIP:unit.1@POLICE.example', known)).to.deep.equal({
      kind: 'user',
      identity: 'sip:unit.1@police.example',
    });
    expect(principalOf('sip:gms@FIRE.example', known)).to.deep.equal({
      kind: 'peer',
      identity: 'sip:gms@fire.example',
      system: 'fire',
    });
  });

  it('the same principal stands for the same value, with or without looking it up again', () => {
    const principals = new KnownPrincipals(known);
    for (const value of ['sip:unit.1@police.example', 'sip:gms@fire.example', 'admin', undefined]) {
      const first = principals.principalOf(value);
      expect(first).to.deep.equal(principalOf(value, known));
      expect(principals.principalOf(value)).to.equal(first);
    }
  });
});
