import { expect } from 'chai';
import type { SystemName } from '../../../src/base/identifiers.js';
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
    it(`the home of ${uri === '' ? 'an empty string' : uri} is ${home ?? 'no configured system'}`, () => {
      expect(homes.homeOf(uri)).to.equal(home);
      expect(homes.isOwn(uri)).to.equal(home === 'police');
    });
  }

  for (const [uri, isNobodys] of [
    ['sip:g@police.example', false],
    ['sip:g@fire.example', false],
    ['sip:g@polise.example', true],
    ['sip:g@north.police.example', true],
    ['sip:nowhere.example', true],
    ['tel:+1666', true],
    ['tel:+15550920', false],
    ['tel:15550120', false],
    ['tel:g-001', false],
    ['urn:police.example', false],
  ] as const) {
    it(`${uri} is ${isNobodys ? 'nobody’s' : 'somebody’s, or cannot be told'}`, () => {
      expect(homes.isNobodys(uri)).to.equal(isNobodys);
    });
  }

  it('where our own system lists no domain or no prefix, nothing is nobody’s', () => {
    const quiet = new HomeSystems(system('police', []), [system('fire', ['fire.example'], ['tel:+44'])]);
    for (const uri of ['sip:g@polise.example', 'tel:+1666']) expect(quiet.isNobodys(uri)).to.equal(false);
  });

  it('a system without domains is the home of nothing', () => {
    const none = new HomeSystems(system('empty', []), []);
    expect(none.isOwn('sip:g@police.example')).to.equal(false);
    expect(none.isOwn('')).to.equal(false);
  });
});
