import { expect } from 'chai';
import fc from 'fast-check';
import {
  canonicalUri,
  comparedParts,
  isIdentityUri,
  sipDomain,
  spelt,
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
    ['sip:g@H;Transport=TCP', 'sip:g@h;transport=tcp'],
    ['sip:g@h;b=%2f;A', 'sip:g@h;a;b=%2F'],
    ['sip:%21%27%2a%28%29@h', "sip:!'*()@h"],
    ['sip:g@h:005060', 'sip:g@h:5060'],
    ['sip:g@H?Subject=A&b', 'sip:g@h?b&subject=A'],
    ['sip:g@[2001:DB8:0::1]', 'sip:g@[2001:db8::1]'],
    ['sip:g@[::z]', 'sip:g@[::z]'],
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

describe('RFC 3966 §4 tel URIs', () => {
  for (const [uri, canonical] of [
    ['TEL:+1-555-0120', 'tel:+15550120'],
    ['tel:+1.555.(0120)', 'tel:+15550120'],
    ['tel:+15550120;EXT=12', 'tel:+15550120;ext=12'],
    ['tel:7042;phone-context=Police.Example', 'tel:7042;phone-context=police.example'],
    ['tel:g-001', 'tel:g-001'],
    ['tel:555-0A;phone-context=+1-555', 'tel:5550a;phone-context=+1555'],
    ['tel:7;b;phone-context=x;a;isub=Y', 'tel:7;isub=y;phone-context=x;a;b'],
    ['tel:-.()', 'tel:-.()'],
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
    ['https://H.example/A%2a', 'https://H.example/A%2A'],
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

  it(`of plain characters are known as such by what takes any URI to pieces, seed ${seed}`, () => {
    const plain = fc.stringMatching(/^sips?:[A-Za-z0-9._~-]{1,12}@[a-z0-9.-]{1,12}$/);
    fc.assert(
      fc.property(fc.oneof(plain, uri), (text) => {
        expect(canonicalUri(text)).to.equal(spelt(text));
      }),
      { seed, numRuns: 4000 },
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

describe('Spellings by the rules of RFC 3261 §19.1.4 and RFC 3966 §4', () => {
  interface Meaning {
    readonly user: string;
    readonly host: string;
    readonly parameters: readonly string[];
    readonly headers: readonly string[];
  }

  const word = fc.stringMatching(/^[a-z0-9!~*'().-]{1,6}$/);
  const named = (texts: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
    fc
      .uniqueArray(fc.tuple(word, texts), { maxLength: 4, selector: ([name]) => name })
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`));
  const meaning: fc.Arbitrary<Meaning> = fc.record({
    user: fc.stringMatching(/^[A-Za-z0-9!~*'().-]{1,8}$/),
    host: fc.stringMatching(/^[a-z0-9]{1,5}\.[a-z]{2,4}$/),
    parameters: named(word),
    headers: named(fc.stringMatching(/^[A-Za-z0-9.-]{1,6}$/)),
  });

  const written = ({ user, host, parameters, headers }: Meaning): string => {
    const end = parameters.map((each) => `;${each}`).join('');
    return `sip:${user}@${host}${end}${headers.length === 0 ? '' : `?${headers.join('&')}`}`;
  };

  /** Each character escaped or not, and where case does not count in either case, as `dice` say. */
  const respelt = (text: string, dice: readonly number[], hasCase: boolean): string =>
    Array.from(text)
      .map((character, index) => {
        const die = dice[index % dice.length] ?? 0;
        const cased = hasCase && die % 2 === 1 ? character.toUpperCase() : character;
        if (die % 3 !== 0 || /[=.]/.test(character)) return cased;
        return `%${(cased.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
      })
      .join('');

  const dice = fc.array(fc.nat(11), { minLength: 5, maxLength: 5 });

  it(`a SIP URI in any spelling has one canonical form, seed ${seed}`, () => {
    fc.assert(
      fc.property(meaning, dice, (uri, thrown) => {
        const turned = <T>(list: readonly T[]): readonly T[] => [...list].reverse();
        const header = (text: string): string => {
          const [name = '', value = ''] = text.split('=');
          return `${respelt(name, thrown, true)}=${respelt(value, thrown, false)}`;
        };
        const other = written({
          user: respelt(uri.user, thrown, false),
          host: uri.host.toUpperCase(),
          parameters: turned(uri.parameters).map((each) => respelt(each, thrown, true)),
          headers: turned(uri.headers).map(header),
        });
        expect(canonicalUri(other)).to.equal(canonicalUri(written(uri)));
        expect(isIdentityUri(other)).to.equal(true);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it(`SIP URIs that mean two things have two, seed ${seed}`, () => {
    fc.assert(
      fc.property(meaning, meaning, (one, other) => {
        fc.pre(one.user !== other.user || one.host !== other.host);
        expect(canonicalUri(written(one))).not.to.equal(canonicalUri(written(other)));
      }),
      { seed, numRuns: 2000 },
    );
    fc.assert(
      fc.property(meaning, word, (uri, value) => {
        const changed = (which: 'parameters' | 'headers'): Meaning => ({
          ...uri,
          [which]: uri[which].map((each, index) => (index === 0 ? `${each}${value}` : each)),
        });
        for (const which of ['parameters', 'headers'] as const) {
          if (uri[which].length === 0) continue;
          expect(canonicalUri(written(changed(which)))).not.to.equal(canonicalUri(written(uri)));
        }
      }),
      { seed, numRuns: 1000 },
    );
  });

  it(`a number in any spelling has one canonical form, and another number another, seed ${seed}`, () => {
    const digits = fc.stringMatching(/^[0-9]{1,10}$/);
    fc.assert(
      fc.property(digits, digits, dice, fc.boolean(), (number, other, thrown, isGlobal) => {
        const spaced = (text: string): string =>
          Array.from(text)
            .map((digit, index) => digit + (['-', '.', '(', ')', '', ''][thrown[index % 5] ?? 0] ?? ''))
            .join('');
        const tel = (text: string, context: string): string =>
          isGlobal ? `tel:+${text};b=1;ext=7` : `tel:${text};b=1;phone-context=+${context}`;
        const turned = isGlobal
          ? `TEL:+${spaced(number)};EXT=7;B=1`
          : `TEL:${spaced(number)};Phone-Context=+${spaced(other)};B=1`;
        expect(canonicalUri(turned)).to.equal(canonicalUri(tel(number, other)));
        fc.pre(number !== other);
        expect(canonicalUri(tel(number, '1'))).not.to.equal(canonicalUri(tel(other, '1')));
      }),
      { seed, numRuns: 1000 },
    );
  });

  it('what always counts, and what counts where both URIs have it', () => {
    const { always, inBoth } = comparedParts('sip:g;x@h:1;lr;maddr=1.2.3.4;method=a;transport=tcp;z=1?a=b;c');
    expect(always).to.equal('sip:g;x@h:1;maddr=1.2.3.4;method=a;transport=tcp?a=b;c');
    expect([...inBoth]).to.deep.equal([
      ['lr', 'lr'],
      ['z', 'z=1'],
    ]);
    for (const uri of ['sip:g;x@h', 'sip:h', 'tel:+1;a=b', 'urn:a;b']) {
      expect(comparedParts(uri)).to.deep.equal({ always: uri, inBoth: new Map() });
    }
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
