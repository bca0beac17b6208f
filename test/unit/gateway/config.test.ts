import { expect } from 'chai';
import { formatOptions } from '../../../src/config/manual.js';
import { checkText, formatMistake } from '../../../src/config/file.js';
import {
  checkGatewayConfig,
  describeGatewayOptions,
  type GatewayConfigInput,
} from '../../../src/gateway/config.js';
import { fixture } from '../../support/fixtures.js';
import { gatewayComplaints } from '../../support/gateway.js';

const north = {
  name: 'north',
  identity: 'sip:gms-north@fire.example',
  root: 'http://north.fire.example/xcap-root',
  domains: ['fire.example'],
};
const south = {
  name: 'south',
  identity: 'sip:gms-south@fire.example',
  root: 'http://south.fire.example/xcap-root',
  groups: ['sip:river-*@fire.example'],
};
const police = { name: 'a', identity: 'sip:gms@police.example' };
const whole: GatewayConfigInput = {
  system: { name: 'b', identity: 'sip:gms@fire.example' },
  gms: [north, south],
  peers: [police],
};

describe('configuration of a gateway', () => {
  it('the one that docs/gateway.md shows is right', () => {
    const result = checkText(fixture('proxies/gateway.yaml'), 'gateway.yaml', checkGatewayConfig);
    expect(result).to.have.property('config');
    expect(result).to.have.nested.property('config.outside.port', 8092);
    expect(result).to.have.nested.property('config.forwarding.deadline', 9000);
    expect(result).to.have.nested.property('config.gms[1].groups[1]', 'sip:river-*@police.example');
  });

  it('needs an identity, a GMS, and nothing else', () => {
    expect(gatewayComplaints(whole)).to.deep.equal([]);
    expect(gatewayComplaints({ ...whole, peers: [] })).to.deep.equal([]);
    expect(gatewayComplaints({}).map((line) => line.split(':')[0])).to.have.members([
      'system.identity',
      'gms',
    ]);
  });

  it('describes every option, on lines that fit a terminal', () => {
    const text = formatOptions(describeGatewayOptions());
    for (const path of [
      'system.identity',
      'inside.port',
      'gms[].groups',
      'peers[].root',
      'limits.connections',
    ]) {
      expect(text).to.include(`${path}  (`);
    }
  });

  for (const [what, input, complaints] of [
    [
      'an option that a gateway does not have',
      { ...whole, store: { folder: 'x' } },
      [/^store: unknown option/],
    ],
    [
      'a mistyped option',
      { ...whole, gms: [{ ...north, domain: ['x.example'] }] },
      [/did you mean gms\[0\]\.domains\?/],
    ],
    ['GMSs that are no list', { ...whole, gms: 'north' }, [/^gms: "north" is not valid; it must be a list/]],
    ['no GMS at all', { ...whole, gms: [] }, [/^gms: is missing; a gateway needs at least one GMS/]],
    [
      'a GMS that gets nothing',
      { ...whole, gms: [north, { ...south, groups: [] }] },
      [/^gms\[1\]: no group ID goes there/],
    ],
    [
      'one name for two',
      { ...whole, gms: [north, { ...south, name: 'north' }] },
      [/^gms\[1\]\.name: the name "north" stands at gms\[0\]\.name too/],
    ],
    [
      'one domain for two',
      { ...whole, gms: [north, { ...south, domains: ['FIRE.example'] }] },
      [/^gms\[1\]\.domains\[0\]: the domain "fire\.example" stands at gms\[0\]\.domains\[0\] too/],
    ],
    [
      'one prefix for two',
      {
        ...whole,
        gms: [
          { ...north, telPrefixes: ['tel:+1555'] },
          { ...south, telPrefixes: ['tel:+1-555'] },
        ],
      },
      [/^gms\[1\]\.telPrefixes\[0\]: the prefix/],
    ],
    [
      'one group ID for two',
      {
        ...whole,
        gms: [
          { ...north, groups: ['sip:x@y.example'] },
          { ...south, groups: ['SIP:x@Y.example'] },
        ],
      },
      [/^gms\[1\]\.groups\[0\]: the group ID or pattern/],
    ],
    [
      'two patterns that one group ID fits equally well',
      {
        ...whole,
        gms: [
          { ...north, groups: ['sip:river-*@fire.example'] },
          { ...south, groups: ['sip:*-boats@fire.example', 'sip:*-ship@fire.example'] },
        ],
      },
      [
        /^gms\[1\]\.groups\[0\]: a group ID can fit "sip:\*-boats.*" and "sip:river-\*.*" at gms\[0\]\.groups\[0\] equally/,
      ],
    ],
    [
      'patterns that are none',
      { ...whole, gms: [{ ...north, groups: ['sip:a*b*@x.example', 'tel:+1*'] }] },
      [/^gms\[0\]\.groups\[0\]: "sip:a\*b\*@x\.example" is not valid/, /telPrefixes/],
    ],
    [
      'a peer with the identity of one of us',
      { ...whole, peers: [{ ...police, identity: 'sip:gms-south@fire.example' }] },
      [/^gms\[1\]\.identity: the identity .* stands at peers\[0\]\.identity too; a peer is not one of us/],
    ],
    [
      'a root that leads back',
      { ...whole, gms: [{ ...north, root: 'http://localhost:8080/xcap-root' }, south] },
      [/^gms\[0\]\.root: leads back to this gateway/],
    ],
    [
      'a peer that cannot be reached for want of a port',
      { ...whole, peers: [{ ...police, root: 'http://police.example/x' }] },
      [/^inside\.port: is missing/],
    ],
    [
      'one port for both sides',
      { ...whole, inside: { port: 8080 } },
      [/^inside\.port: is the port of outside too/],
    ],
    [
      'addresses that are not loopback',
      { ...whole, outside: { host: '0.0.0.0' }, inside: { host: '10.0.0.1' } },
      [/^outside\.host: .* is not a loopback address/, /^inside\.host: .* is not a loopback address/],
    ],
    [
      'limits the wrong way round',
      { ...whole, limits: { headersTimeout: '40s' } },
      [/^limits\.headersTimeout: must be at most limits\.requestTimeout/],
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const found = gatewayComplaints(input);
      expect(found, found.join('\n')).to.have.length(complaints.length);
      for (const [index, complaint] of complaints.entries()) expect(found[index]).to.match(complaint);
    });
  }

  it('shows every mistake with its place', () => {
    const text = 'system: { name: B }\ngms:\n  - { name: north }\npears: []\n';
    const result = checkText(text, 'g.yaml', checkGatewayConfig);
    if (!('mistakes' in result)) throw new Error('it was accepted');
    const lines = result.mistakes.map(formatMistake);
    expect(lines.join('\n')).to.match(/^g\.yaml:1:17: system\.name: "B" is not valid/m);
    expect(lines.join('\n')).to.match(/^g\.yaml:4:1: pears: unknown option; did you mean peers\?/m);
  });
});
