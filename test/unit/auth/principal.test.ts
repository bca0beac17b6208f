import { expect } from 'chai';
import type { SystemName } from '../../../src/base/identifiers.js';
import { principalOf, type KnownIdentities } from '../../../src/auth/asserted-identity.js';
import { HomeSystems, type HomeSystem } from '../../../src/mc-systems/homes.js';

function system(name: string, domains: readonly string[], telPrefixes: readonly string[] = []): HomeSystem {
  return { name: name as SystemName, domains, telPrefixes };
}

const homes = new HomeSystems(system('police', ['police.example', 'Harbour.Police.Example'], ['tel:+1555']), [
  system('fire', ['fire.example'], ['tel:+1555-01', 'tel:+44']),
  system('rescue', ['rescue.example'], ['tel:112']),
]);

describe('The home of a group or user (design D6)', () => {
  for (const [uri, home] of [
    ['sip:g@police.example', 'police'],
    ['sips:g@police.example', 'police'],
    ['SIP:g@POLICE.example', 'police'],
    ['sip:g@harbour.police.example', 'police'],
    ['sip:g@police.example:5061;transport=tls', 'police'],
    ['sip:g@fire.example', 'fire'],
    ['sip:g@north.police.example', undefined],
    ['sip:g@notpolice.example', undefined],
    ['sip:g@police.example.attacker.example', undefined],
    ['sip:police.example@attacker.example', undefined],
    ['sip:g@attacker.example;x=@police.example', undefined],
    ['tel:+15550120', 'fire'],
    ['tel:+1 555', undefined],
    ['tel:+1-555-0920', 'police'],
    ['tel:+15559', 'police'],
    ['tel:+442000', 'fire'],
    ['tel:112', 'rescue'],
    ['tel:15550120', undefined],
    ['tel:+4', undefined],
    ['mailto:g@police.example', undefined],
    ['urn:police.example', undefined],
    ['', undefined],
  ] as const) {
    it(`${uri === '' ? 'nothing' : uri} is ${home === undefined ? 'at home in no configured system' : `at home in ${home}`}`, () => {
      expect(homes.homeOf(uri)).to.equal(home);
      expect(homes.isOwn(uri)).to.equal(home === 'police');
    });
  }

  it('of a system without domains is nowhere', () => {
    const none = new HomeSystems(system('empty', []), []);
    expect(none.isOwn('sip:g@police.example')).to.equal(false);
    expect(none.isOwn('')).to.equal(false);
  });
});

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
    it(`${JSON.stringify(value)}: ${kind}`, () => {
      expect(principalOf(value, known).kind).to.equal(kind);
    });
  }

  it('absent: nobody', () => {
    expect(principalOf(undefined, known)).to.deep.equal({ kind: 'nobody' });
  });

  it('is canonical in the principal, and a peer comes with its system', () => {
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
});
