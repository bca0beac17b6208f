import { expect } from 'chai';
import fc from 'fast-check';
import { toGroupId } from '../../../src/base/uri.js';
import type { GroupId } from '../../../src/base/identifiers.js';
import {
  firstRivals,
  GatewayRoutes,
  readGroupPattern,
  undecided,
  type RoutedGms,
} from '../../../src/gateway/routes.js';

function gms(name: string, routes: Partial<RoutedGms>): RoutedGms {
  return { groups: [], domains: [], telPrefixes: [], ...routes, name };
}

function id(text: string): GroupId {
  const groupId = toGroupId(text);
  if (groupId === undefined) throw new Error(`no group ID: ${text}`);
  return groupId;
}

describe('Routes of a gateway', () => {
  const routes = new GatewayRoutes([
    gms('exact', { groups: ['sip:river-1@fire.example', 'tel:+15551'] }),
    gms('river', { groups: ['sip:river-*@fire.example'] }),
    gms('boats', { groups: ['sip:*-boats@fire.example', 'sip:river-*-boats@fire.example'] }),
    gms('tugs', { groups: ['sip:tug-*-g@fire.example'] }),
    gms('domain', { domains: ['fire.example'], telPrefixes: ['tel:+1555'] }),
    gms('near', { telPrefixes: ['tel:+15559'] }),
  ]);

  for (const [groupId, name] of [
    ['sip:river-1@fire.example', 'exact'],
    ['SIP:river-1@FIRE.example', 'exact'],
    ['sip:river-2@fire.example', 'river'],
    ['sip:river-@fire.example', 'river'],
    ['sip:x-boats@fire.example', 'boats'],
    ['sip:river-x-boats@fire.example', 'boats'],
    ['sip:tug--g@fire.example', 'tugs'],
    ['sip:tug-g@fire.example', 'domain'],
    ['sip:River-2@fire.example', 'domain'],
    ['sip:river@fire.example', 'domain'],
    ['sip:river-2@north.fire.example', undefined],
    ['sip:river-2@fire.example.org', undefined],
    ['sip:fire.example', 'domain'],
    ['tel:+1-555-1', 'exact'],
    ['tel:+15552', 'domain'],
    ['tel:+155591', 'near'],
    ['tel:+1666', undefined],
    ['urn:x:y', undefined],
  ] as const) {
    it(`${groupId} is for ${name ?? 'no GMS'}`, () => {
      expect(routes.gmsOf(id(groupId))?.name).to.equal(name);
    });
  }

  for (const [text, canonical] of [
    ['sip:river-*@FIRE.example', 'sip:river-*@fire.example'],
    ['sip:*@fire.example', 'sip:*@fire.example'],
    ['sip:a@fire.example', 'sip:a@fire.example'],
    ['tel:+1-555', 'tel:+1555'],
    ['sip:a*b*@fire.example', undefined],
    ['sip:a@*.example', undefined],
    ['sip:*', undefined],
    ['tel:+1555*', undefined],
    ['*', undefined],
    ['', undefined],
  ] as const) {
    it(`${JSON.stringify(text)} is read as ${canonical ?? 'no pattern'}`, () => {
      expect(readGroupPattern(text)).to.equal(canonical);
    });
  }

  const part = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 4 });
  const pattern = fc.tuple(part, part).map(([before, after]) => `sip:${before}*${after}@x.example`);

  it('undecided: exactly where a group ID fits two patterns of the same length', () => {
    fc.assert(
      fc.property(pattern, pattern, (one, other) => {
        const parts = [one, other].map((text) => text.slice('sip:'.length, -'@x.example'.length).split('*'));
        const heads = parts.map(([head = '']) => head).sort((a, b) => b.length - a.length);
        const tails = parts.map(([, tail = '']) => tail).sort((a, b) => b.length - a.length);
        // Where any group ID fits both, the longer head and the longer tail together do.
        const witness = id(`sip:${heads[0] ?? ''}${tails[0] ?? ''}@x.example`);
        const fits = [one, other].map(
          (text) => new GatewayRoutes([gms('it', { groups: [text] })]).gmsOf(witness) !== undefined,
        );
        expect(undecided(one, other)).to.equal(one.length === other.length && fits.every(Boolean));
        expect(undecided(other, one)).to.equal(undecided(one, other));
      }),
    );
  });

  it('firstRivals: the first earlier pattern of another owner that is undecided with it', () => {
    const owned = fc.record({ text: fc.oneof(pattern, fc.constant('sip:a@x.example')), owner: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(owned, { maxLength: 12 }), (patterns) => {
        const compared = patterns.map(({ text, owner }, index) => {
          const rival = patterns.slice(0, index).findIndex((each) => {
            return each.owner !== owner && undecided(each.text, text);
          });
          return rival < 0 ? undefined : rival;
        });
        expect(firstRivals(patterns)).to.deep.equal(compared);
      }),
      { numRuns: 1000 },
    );
  });

  it('the order of the configuration decides nothing where no two patterns are undecided', () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), part, (patterns, user) => {
        const kept = [...new Set(patterns)].filter(
          (text, index, all) => !all.slice(0, index).some((earlier) => undecided(earlier, text)),
        );
        const servers = kept.map((text) => gms(text, { groups: [text] }));
        const groupId = id(`sip:${user}@x.example`);
        const chosen = new GatewayRoutes(servers).gmsOf(groupId)?.name;
        expect(new GatewayRoutes(servers.toReversed()).gmsOf(groupId)?.name).to.equal(chosen);
      }),
    );
  });
});
