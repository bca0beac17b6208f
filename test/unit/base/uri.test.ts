import { expect } from 'chai';
import fc from 'fast-check';
import {
  canonicalUri,
  isIdentityUri,
  sipDomain,
  toGroupId,
  toMcServiceId,
  urlHost,
} from '../../../src/base/uri.js';
import { seed } from '../../support/seed.js';

describe('RFC 3261 §19.1.4 SIP URIs', () => {
  const cases: readonly [string, string][] = [
    ['SIP:g@h', 'sip:g@h'],
    ['sip:g@POLICE.Example', 'sip:g@police.example'],
    ['sip:G@h', 'sip:G@h'],
    ['sip:POLICE.example', 'sip:police.example'],
    ['sip:g@h:5060', 'sip:g@h:5060'],
    ['sip:g@H;Transport=TCP', 'sip:g@h;Transport=TCP'],
    ['sip:g@H?Subject=A', 'sip:g@h?Subject=A'],
    ['sip:g;x=Y@H', 'sip:g;x=Y@h'],
    ['sips:g@H', 'sips:g@h'],
    ['sip:%67@h', 'sip:g@h'],
    ['sip:%7Eg%2D@h', 'sip:~g-@h'],
    ['sip:a%40b@h', 'sip:a%40b@h'],
    ['sip:a%2fb@h', 'sip:a%2Fb@h'],
    ['sip:a%252fb@h', 'sip:a%252fb@h'],
    ['sip:g@[2001:DB8::1]:5060', 'sip:g@[2001:db8::1]:5060'],
    [' sip:g@h ', 'sip:g@h'],
  ];
  for (const [uri, canonical] of cases) {
    it(`${uri} is ${canonical}`, () => {
      expect(canonicalUri(uri)).to.equal(canonical);
    });
  }

  for (const [one, other, why] of [
    ['sip:g@h', 'sips:g@h', 'a secure URI is another one'],
    ['sip:g@h', 'sip:G@h', 'user parts are told apart by case'],
    ['sip:a%40b@h', 'sip:a@b@h', 'an encoded delimiter is data'],
    ['sip:g@h', 'sip:g@h:5060', 'a port is not left out'],
  ] as const) {
    it(`${one} is not ${other}: ${why}`, () => {
      expect(canonicalUri(one)).not.to.equal(canonicalUri(other));
    });
  }
});

describe('RFC 3966 §5 tel URIs', () => {
  for (const [uri, canonical] of [
    ['TEL:+1-555-0120', 'tel:+15550120'],
    ['tel:+1.555.(0120)', 'tel:+15550120'],
    ['tel:+15550120;EXT=12', 'tel:+15550120;ext=12'],
    ['tel:7042;phone-context=Police.Example', 'tel:7042;phone-context=police.example'],
    ['tel:g-001', 'tel:g-001'],
    ['tel:%2B15550120', 'tel:%2B15550120'],
  ] as const) {
    it(`${uri} is ${canonical}`, () => {
      expect(canonicalUri(uri)).to.equal(canonical);
    });
  }
});

describe('Other URIs and text', () => {
  for (const [uri, canonical] of [
    ['URN:Example:A', 'urn:Example:A'],
    ['https://H.example/A%7e', 'https://H.example/A~'],
    ['no scheme', 'no scheme'],
    [':x', ':x'],
    ['', ''],
  ] as const) {
    it(`${JSON.stringify(uri)} becomes ${JSON.stringify(canonical)}`, () => {
      expect(canonicalUri(uri)).to.equal(canonical);
    });
  }

  for (const uri of ['sip:g@h', 'tel:+15550120', 'urn:a:b', 'a+b-c.d:e', "sip:a!$&'()*+,;=:@h/?#"]) {
    it(`${uri} can name someone`, () => {
      expect(isIdentityUri(uri)).to.equal(true);
      expect(toGroupId(` ${uri} `)).to.equal(canonicalUri(uri));
      expect(toMcServiceId(uri)).to.equal(canonicalUri(uri));
    });
  }

  for (const text of [
    '',
    ' ',
    'g',
    ':g',
    'sip:',
    '1sip:g',
    'sip:g h',
    'sip:é@h',
    'sip:<g>',
    'sip:"g"',
    'sip:g\n',
    'sip:{g}',
    'sip:g\\h',
    'sip:50%@h',
    'sip:%4@h',
    'sip:%zz@h',
  ]) {
    it(`${JSON.stringify(text)} cannot`, () => {
      expect(isIdentityUri(text)).to.equal(false);
      if (text.trim() === text) expect(toGroupId(text)).to.equal(undefined);
      if (text.trim() === text) expect(toMcServiceId(text)).to.equal(undefined);
    });
  }
});

describe('The domain of a SIP URI (design D6)', () => {
  for (const [uri, domain] of [
    ['sip:g@police.example', 'police.example'],
    ['sips:g@police.example', 'police.example'],
    ['sip:police.example', 'police.example'],
    ['sip:g@police.example:5060', 'police.example'],
    ['sip:g@police.example;transport=tcp', 'police.example'],
    ['sip:g@police.example?subject=a@b', 'police.example'],
    ['sip:g;x@police.example', 'police.example'],
    ['sip:g?x@police.example', 'police.example'],
    ['sip:g:password@police.example', 'police.example'],
    ['sip:g@[2001:db8::1]:5060', '[2001:db8::1]'],
    ['sip:g@fire.example;x@police.example', 'fire.example'],
    ['tel:+15550120', undefined],
    ['mailto:g@police.example', undefined],
    ['sip:', undefined],
    ['sip:g@', undefined],
    ['sip:g@fire.example@police.example', undefined],
  ] as const) {
    it(`${uri}: ${domain ?? 'none'}`, () => {
      expect(sipDomain(uri)).to.equal(domain);
    });
  }
});

describe('Canonical forms', () => {
  const uri = fc
    .tuple(
      fc.constantFrom('sip:', 'SIPS:', 'tel:', 'tel:+', 'urn:', ''),
      fc.array(
        fc.constantFrom(
          'a',
          'B',
          '@',
          ':',
          ';',
          '?',
          '%41',
          '%2f',
          '%40',
          '%25',
          '%',
          '-',
          '.',
          '(',
          '1',
          '[',
          ']',
          '=',
        ),
        { maxLength: 12 },
      ),
    )
    .map(([scheme, parts]) => scheme + parts.join(''));

  it(`are their own canonical form, seed ${seed}`, () => {
    fc.assert(
      fc.property(uri, (text) => {
        fc.pre(isIdentityUri(text));
        const once = canonicalUri(text);
        expect(canonicalUri(once)).to.equal(once);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it(`name someone where the URI does, seed ${seed}`, () => {
    fc.assert(
      fc.property(uri, (text) => {
        fc.pre(isIdentityUri(text));
        expect(isIdentityUri(canonicalUri(text))).to.equal(true);
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('RFC 3986 §3.2.2 host in a URL', () => {
  for (const [host, written] of [
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
    ['::1', '[::1]'],
  ] as const) {
    it(`${host} is written ${written}`, () => {
      expect(urlHost(host)).to.equal(written);
      expect(new URL(`http://${urlHost(host)}:8080/`).hostname).to.equal(written);
    });
  }
});
