import { expect } from 'chai';
import fc from 'fast-check';
import { ConfigurationError } from '../../../src/base/errors.js';
import { checkConfig, defaultConfig, describeOptions } from '../../../src/gms/config.js';
import { isLoopback } from '../../../src/config/kinds/addresses.js';
import { formatOptions } from '../../../src/config/manual.js';
import { formatPath } from '../../../src/config/words.js';
import { nearestName } from '../../../src/base/text.js';
import { quote } from '../../../src/base/text.js';
import type { Config, ConfigInput } from '../../../src/gms/config.js';

/** The messages that `overrides` cause, each with its option in front. */
function complaints(overrides: ConfigInput): string[] {
  try {
    defaultConfig(overrides);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.message.split('\n');
  }
}

function valueAt(config: Config, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, step) => (value as Readonly<Record<string, unknown>>)[step], config);
}

const twoPeers: ConfigInput = {
  peers: [
    {
      name: 'fire',
      identity: 'sip:gms@fire.example',
      root: 'https://gms.fire.example/x',
      domains: ['fire.example'],
    },
    {
      name: 'rescue',
      identity: 'sip:gms@rescue.example',
      root: 'https://gms.rescue.example/x',
      domains: ['rescue.example'],
    },
  ],
  interconnection: { identity: 'sip:gms@police.example' },
};

const declaredUsage = {
  auid: 'pres-rules',
  defaultNamespace: 'urn:ietf:params:xml:ns:common-policy',
  mediaType: 'application/auth-policy+xml',
};

const wholeUsages: ConfigInput = {
  usages: {
    declared: [
      {
        ...declaredUsage,
        schema: './pres-rules.xsd',
        root: 'ruleset',
        unique: [{ element: 'rule', attribute: 'id' }],
        values: [{ element: '{urn:x}link', attribute: 'href', form: 'http-uri' }],
      },
    ],
  },
};

describe('configuration', () => {
  describe('table of options', () => {
    it('gives every option a type, a help text, and a default or the word required', () => {
      const options = describeOptions();
      expect(options).not.to.be.empty;
      for (const option of options) {
        expect(option.type, option.path).to.match(/\S/);
        expect(option.default, option.path).to.match(/\S/);
        expect(option.help, option.path).to.match(/^[A-Z].{10,}\.$/);
      }
    });

    it('names every option once', () => {
      const paths = describeOptions().map(({ path }) => path);
      expect(paths).to.deep.equal([...new Set(paths)]);
    });

    it('describes exactly the options that a configuration holds', () => {
      const leaves = (value: unknown, path: string): string[] => {
        if (Array.isArray(value)) {
          const [first] = value as unknown[];
          return [path, ...(typeof first === 'object' ? leaves(first, `${path}[]`) : [])];
        }
        if (typeof value !== 'object' || value === null) return [path];
        return Object.entries(value).flatMap(([name, inner]) =>
          leaves(inner, path === '' ? name : `${path}.${name}`),
        );
      };
      const config = defaultConfig({
        ...twoPeers,
        ...wholeUsages,
        http: { publicRoot: 'https://gms.police.example/xcap-root' },
        mcServiceServers: [
          { identity: 'sip:mcptt-server@police.example', inform: 'http://127.0.0.1:9090/changes' },
        ],
      });
      expect(describeOptions().map(({ path }) => path)).to.have.members(leaves(config, ''));
    });

    it('names the defaults that hold', () => {
      const config = defaultConfig();
      const units = new Map([
        ['ms', 1],
        ['s', 1000],
        ['h', 3_600_000],
        ['KiB', 1024],
        ['MiB', 1024 * 1024],
      ]);
      const written = (text: string): unknown => {
        const [, number, unit] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? [];
        if (unit !== undefined) return Number(number) * (units.get(unit) ?? Number.NaN);
        return /^(\d+|true|false)$/.test(text) ? (JSON.parse(text) as unknown) : text;
      };
      const computed = [
        'system.domains',
        'store.folder',
        'groups.creationXui',
        'groups.unknownHomes',
        'identity.administrators',
      ];
      const simple = describeOptions().filter(
        ({ path, type }) => !path.includes('[]') && !type.startsWith('list') && !computed.includes(path),
      );
      for (const { path, default: fallback } of simple) {
        const value = valueAt(config, path);
        if (value === undefined) expect(fallback, path).to.match(/ /);
        else expect(value, path).to.equal(written(fallback));
      }
    });

    it('fits a terminal', () => {
      const text = formatOptions(describeOptions());
      for (const { path, help } of describeOptions()) {
        expect(text).to.include(`${path}  (`);
        expect(text.replace(/\s+/g, ' ')).to.include(help);
      }
      expect(text.split('\n').filter((line) => line.startsWith(' ') && line.length > 100)).to.deep.equal([]);
    });
  });

  describe('without a file', () => {
    it('is development mode on loopback with police.example homed here', () => {
      const config = defaultConfig();
      expect(config.http).to.include({ host: '127.0.0.1', port: 8080, root: '/xcap-root' });
      expect(config.store.folder).to.equal('data');
      expect(config.system).to.deep.equal({ name: 'local', domains: ['police.example'], telPrefixes: [] });
      expect(config.identity).to.deep.equal({
        mode: 'development',
        administrators: ['sip:admin@police.example'],
      });
      expect(config.mcServiceServers).to.deep.equal([{ identity: 'sip:mcptt-server@police.example' }]);
      expect(config.peers).to.deep.equal([]);
    });

    it('takes overrides as they are written in a file', () => {
      const config = defaultConfig({
        http: { port: 0, limits: { requestTimeout: '1m' } },
        store: { folder: '/var/lib/mcgms', cacheBytes: undefined },
        log: { level: 'silent' },
      });
      expect(config.http.port).to.equal(0);
      expect(config.http.limits.requestTimeout).to.equal(60_000);
      expect(config.http.limits.headersTimeout).to.equal(10_000);
      expect(config.store).to.deep.equal({ folder: '/var/lib/mcgms', cacheBytes: 64 * 1024 * 1024 });
      expect(config.log.level).to.equal('silent');
    });

    it('refuses overrides that are wrong, all of them at once', () => {
      expect(
        complaints({ http: { host: '0.0.0.0', port: 70_000 }, log: { level: 'loud' } }),
      ).to.have.lengthOf(3);
    });

    it('leaves the object that it was given alone', () => {
      const overrides: ConfigInput = { http: { limits: { connections: 7 } } };
      const before = JSON.stringify(overrides);
      defaultConfig(overrides);
      expect(JSON.stringify(overrides)).to.equal(before);
      expect(defaultConfig().http.limits.connections).to.equal(1000);
    });
  });

  describe('group creation XUI', () => {
    it('follows the first domain', () => {
      const config = defaultConfig({ system: { domains: ['North.Example', 'south.example'] } });
      expect(config.groups.creationXui).to.equal('sip:group-creation@north.example');
    });

    it('may be any URI', () => {
      const config = defaultConfig({ groups: { creationXui: 'https://police.example/new/groups' } });
      expect(config.groups.creationXui).to.equal('https://police.example/new/groups');
    });
  });

  describe('durations', () => {
    const cases: [string | number, number][] = [
      ['250ms', 250],
      ['10s', 10_000],
      ['10 s', 10_000],
      ['5m', 300_000],
      ['1h', 3_600_000],
      ['1.1h', 3_960_000],
      ['0.5s', 500],
      ['2d', 172_800_000],
      ['1500', 1500],
      [1500, 1500],
      ['1ms', 1],
      ['24d', 2_073_600_000],
    ];
    for (const [written, milliseconds] of cases) {
      it(`${JSON.stringify(written)} is ${milliseconds} ms`, () => {
        const config = defaultConfig({ interconnection: { peerDeadline: written } });
        expect(config.interconnection.peerDeadline).to.equal(milliseconds);
      });
    }
    for (const written of [
      '0.5ms',
      '0',
      0,
      -1,
      '1 hour',
      '1,5s',
      '1e3',
      '+1s',
      '٣s',
      '24.1d',
      1.5,
      '',
      ' 1s',
    ]) {
      it(`${JSON.stringify(written)} is refused`, () => {
        expect(complaints({ interconnection: { peerDeadline: written } }))
          .to.have.lengthOf(1)
          .and.to.have.nested.property('[0]')
          .that.matches(/^interconnection\.peerDeadline: .* is not valid; it must be a duration/);
      });
    }

    it('fit a timer of Node.js at the largest', () => {
      const config = defaultConfig({ interconnection: { backOff: { cap: '24d' } } });
      expect(config.interconnection.backOff.cap).to.be.below(2 ** 31);
    });

    it('may be nought where that means not at all', () => {
      expect(defaultConfig({ interconnection: { refusalMemory: 0 } }).interconnection.refusalMemory).to.equal(
        0,
      );
    });
  });

  describe('sizes', () => {
    const cases: [string | number, number][] = [
      ['1KiB', 1024],
      ['64KiB', 65_536],
      ['1MiB', 1_048_576],
      ['1.5 MiB', 1_572_864],
      ['2048B', 2048],
      [4096, 4096],
      ['256MiB', 268_435_456],
    ];
    for (const [written, bytes] of cases) {
      it(`${JSON.stringify(written)} is ${bytes} bytes`, () => {
        expect(defaultConfig({ xml: { bodyBytes: written } }).xml.bodyBytes).to.equal(bytes);
      });
    }
    for (const written of [1023, '1023B', '257MiB', '1MB', '1mib', '1.0001KiB', 'large']) {
      it(`${JSON.stringify(written)} is refused`, () => {
        expect(complaints({ xml: { bodyBytes: written } }))
          .to.have.lengthOf(1)
          .and.to.have.nested.property('[0]')
          .that.matches(/^xml\.bodyBytes: .* is not valid; it must be a size from 1KiB to 256MiB/);
      });
    }
  });

  describe('canonical forms', () => {
    it('are what identities, domains, prefixes and roots come out in', () => {
      const config = defaultConfig({
        system: { domains: ['POLICE.example'], telPrefixes: ['TEL:+1-(555)'] },
        identity: { administrators: ['SIP:%61dmin@Police.EXAMPLE', 'tel:+1-555-0000'] },
        peers: [
          {
            name: 'fire',
            identity: 'sip:gms@FIRE.example',
            root: 'HTTP://GMS.Fire.example:80/xcap-root/',
            domains: ['Fire.example'],
          },
        ],
        interconnection: { identity: 'sips:GMS@POLICE.example' },
        http: { host: '0:0:0:0:0:0:0:1', root: '/services/xcap/' },
      });
      expect(config.system).to.deep.include({ domains: ['police.example'], telPrefixes: ['tel:+1555'] });
      expect(config.identity.administrators).to.deep.equal(['sip:admin@police.example', 'tel:+15550000']);
      expect(config.peers[0]).to.deep.include({
        identity: 'sip:gms@fire.example',
        root: 'http://gms.fire.example/xcap-root',
        domains: ['fire.example'],
      });
      expect(config.interconnection.identity).to.equal('sips:GMS@police.example');
      expect(config.http).to.include({ host: '::1', root: '/services/xcap' });
    });

    it('keep an XCAP root without path free of a slash at its end', () => {
      const config = defaultConfig({ http: { publicRoot: 'https://xcap.police.example' } });
      expect(config.http.publicRoot).to.equal('https://xcap.police.example');
    });
  });

  describe('the resources for operators', () => {
    it('stand beside the XCAP root', () => {
      expect(complaints({ http: { root: '/operations-of-xcap', operations: '/operations' } })).to.deep.equal(
        [],
      );
      expect(defaultConfig({ http: { operations: '/a/ops/' } }).http.operations).to.equal('/a/ops');
    });

    for (const root of ['/service-authorisations', '/service-authorisations/xcap']) {
      it(`the root ${root} is refused: service authorisations are told there`, () => {
        expect(complaints({ http: { root } }))
          .to.have.length(1)
          .and.nested.property('[0]')
          .that.matches(/^http\.root: .* must not lie within each other$/);
      });
    }

    for (const [root, operations] of [
      ['/x', '/x'],
      ['/x', '/x/operations'],
      ['/x/y', '/x'],
      ['/operations/xcap', undefined],
      ['/x', '/service-authorisations'],
      ['/x', '/service-authorisations/ops'],
    ] as const) {
      it(`${operations ?? 'the default'} is refused where the root is ${root}`, () => {
        expect(complaints({ http: { root, operations } }))
          .to.have.lengthOf(1)
          .and.to.have.nested.property('[0]')
          .that.matches(/^http\.operations: .* must not lie within each other$/);
      });
    }
  });

  describe('store folder', () => {
    it('starts at the folder of the configuration file where it is relative', () => {
      const raw = { system: { domains: ['police.example'] }, store: { folder: '../state' } };
      const result = checkConfig(raw, '/etc/mcgms');
      expect(result).to.have.nested.property('config.store.folder', '/etc/state');
    });

    it('stays where it is absolute', () => {
      const raw = { system: { domains: ['police.example'] }, store: { folder: '/srv/groups' } };
      expect(checkConfig(raw, '/etc')).to.have.nested.property('config.store.folder', '/srv/groups');
    });
  });

  describe('application usages', () => {
    it('are those of RFC 4826 where nothing is said', () => {
      expect(defaultConfig().usages).to.deep.equal({
        shipped: ['resource-lists', 'rls-services'],
        declared: [],
      });
    });

    it('may be none', () => {
      expect(defaultConfig({ usages: { shipped: [] } }).usages.shipped).to.deep.equal([]);
    });

    it('are declared by little', () => {
      const [usage] = defaultConfig({ usages: { declared: [declaredUsage] } }).usages.declared;
      expect(usage).to.deep.equal({
        ...declaredUsage,
        schema: undefined,
        namespaces: [],
        trees: ['users'],
        read: ['owner', 'administrators'],
        write: ['owner', 'administrators'],
        readGlobal: ['users', 'administrators', 'mc-service-servers'],
        writeGlobal: ['administrators'],
        unique: [],
        values: [],
      });
    });

    it('find their schemas from the folder of the configuration file on', () => {
      const raw = { system: { domains: ['police.example'] }, ...wholeUsages };
      expect(checkConfig(raw, '/etc/mcgms')).to.have.nested.property(
        'config.usages.declared[0].schema',
        '/etc/mcgms/pres-rules.xsd',
      );
    });

    it('may take the place of one that ships, once that is not offered', () => {
      const declared = [{ ...declaredUsage, auid: 'rls-services' }];
      expect(complaints({ usages: { declared } })).to.have.lengthOf(1);
      expect(complaints({ usages: { shipped: ['resource-lists'], declared } })).to.deep.equal([]);
    });

    const wrong: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
      ['an AUID that is none', { auid: 'a/b' }, /^usages\.declared\[0\]\.auid: .*application unique ID/],
      [
        'the AUID of the groups',
        { auid: 'org.openmobilealliance.groups' },
        /\.auid: .* of the server itself$/,
      ],
      ['the AUID of the directory', { auid: 'org.openmobilealliance.xcap-directory' }, /\.auid: /],
      ['the AUID of the capabilities', { auid: 'xcap-caps' }, /\.auid: /],
      ['the AUID of the policies', { auid: 'org.mcgms.interconnection-policy' }, /\.auid: /],
      ['no namespace', { defaultNamespace: 'common policy' }, /\.defaultNamespace: /],
      ['no media type', { mediaType: 'xml' }, /\.mediaType: /],
      [
        'a media type with parameters',
        { mediaType: 'a/b; charset=x' },
        /\.mediaType: .*leave out the parameters/,
      ],
      ['an unknown tree', { trees: ['local'] }, /\.trees\[0\]: /],
      ['no tree', { trees: [] }, /\.trees: is empty/],
      ['an unknown role', { read: ['owners'] }, /\.read\[0\]: .*did you mean owner\?/],
      ['a root with a prefix', { root: 'cp:ruleset' }, /\.root: .*write the namespace instead of a prefix/],
      ['no XML name', { root: '{urn:x}1' }, /\.root: /],
      ['a rule without an element', { unique: [{ attribute: 'id' }] }, /\.unique\[0\]\.element: is missing/],
      [
        'an unknown comparison',
        { unique: [{ element: 'a', attribute: 'b', compare: 'uris' }] },
        /\.compare: /,
      ],
      ['an unknown form', { values: [{ element: 'a', form: 'number' }] }, /\.values\[0\]\.form: /],
    ];
    for (const [title, changes, complaint] of wrong) {
      it(`refuse ${title}`, () => {
        const declared = [{ ...declaredUsage, ...changes }];
        const result = checkConfig({ system: { domains: ['police.example'] }, usages: { declared } }, '.');
        if (!('faults' in result)) expect.fail('it is taken');
        const lines = result.faults.map(({ option, message }) => `${formatPath(option)}: ${message}`);
        expect(lines).to.have.lengthOf(1);
        expect(lines[0]).to.match(complaint);
      });
    }

    it('refuse an AUID twice', () => {
      expect(complaints({ usages: { declared: [declaredUsage, declaredUsage] } })).to.deep.equal([
        'usages.declared[1].auid: the AUID "pres-rules" stands at usages.declared[0].auid too; every application usage is offered once',
      ]);
    });
  });

  describe('development mode', () => {
    for (const host of ['127.0.0.1', '127.255.255.254', '::1', '0:0::0:1', 'localhost', 'LOCALHOST']) {
      it(`listens on ${host}`, () => {
        expect(isLoopback(host)).to.equal(true);
        expect(complaints({ http: { host } })).to.deep.equal([]);
      });
    }
    for (const host of [
      '0.0.0.0',
      '::',
      '128.0.0.1',
      '192.0.2.1',
      '::2',
      '127.1',
      '127.0.0.1.example',
      'localhost.example',
      '::ffff:127.0.0.1',
      'gms.police.example',
      '127.0.0.01',
    ]) {
      it(`does not listen on ${host}`, () => {
        expect(isLoopback(host)).to.equal(false);
        expect(complaints({ http: { host } }))
          .to.have.lengthOf(1)
          .and.to.have.nested.property('[0]')
          .that.matches(/^http\.host: /);
      });
    }
  });

  describe('rules between options', () => {
    it('let two peers live beside us', () => {
      expect(complaints(twoPeers)).to.deep.equal([]);
    });

    it('let one prefix be the beginning of another', () => {
      const [fire, rescue] = twoPeers.peers ?? [];
      const peers = [
        { ...fire, telPrefixes: ['tel:+1555'] },
        { ...rescue, telPrefixes: ['tel:+155'] },
      ];
      expect(complaints({ ...twoPeers, system: { telPrefixes: ['tel:+1'] }, peers })).to.deep.equal([]);
    });

    it('let the time for headers equal the time for the request', () => {
      expect(complaints({ http: { limits: { headersTimeout: '30s' } } })).to.deep.equal([]);
      expect(complaints({ http: { limits: { headersTimeout: 30_001 } } })).to.have.lengthOf(1);
    });

    for (const [what, overrides, option] of [
      [
        'which groups are homed here while a domain is wrong',
        {
          ...twoPeers,
          system: { domains: ['police.example', 'sip:traffic.example'] },
          peers: [{ ...twoPeers.peers?.[0], groups: ['sip:g@traffic.example'] }],
        },
        'system.domains[1]',
      ],
      [
        'which groups are homed here while a prefix is wrong',
        {
          ...twoPeers,
          system: { telPrefixes: ['+1555'] },
          peers: [{ ...twoPeers.peers?.[0], groups: ['tel:+15551234'] }],
        },
        'system.telPrefixes[0]',
      ],
      [
        'whether an identity is missing that is wrong',
        { ...twoPeers, interconnection: { identity: 'nobody' } },
        'interconnection.identity',
      ],
      [
        'whether a declared usage comes with the server while the list of those is wrong',
        {
          usages: {
            shipped: ['rls-services', 'lists'],
            declared: [{ ...declaredUsage, auid: 'rls-services' }],
          },
        },
        'usages.shipped[1]',
      ],
    ] as const) {
      it(`do not ask ${what}`, () => {
        expect(complaints(overrides).map((line) => line.slice(0, line.indexOf(':')))).to.deep.equal([option]);
      });
    }

    it('keep the request-target below the headers', () => {
      expect(complaints({ http: { limits: { requestTarget: 16_383 } } })).to.deep.equal([]);
      expect(complaints({ http: { limits: { requestTarget: 16_384 } } })).to.have.lengthOf(1);
    });
  });

  describe('unknown options', () => {
    const sections = (value: unknown, path: (string | number)[]): (string | number)[][] => {
      if (Array.isArray(value)) {
        return value.flatMap((entry: unknown, index) =>
          typeof entry === 'object' ? sections(entry, [...path, index]) : [],
        );
      }
      if (typeof value !== 'object' || value === null) return [];
      return [path, ...Object.entries(value).flatMap(([name, inner]) => sections(inner, [...path, name]))];
    };
    const whole = defaultConfig({ ...twoPeers, ...wholeUsages });
    for (const path of sections(whole, [])) {
      it(`stop the start below ${path.length === 0 ? 'the root' : formatPath(path)}`, () => {
        const raw: unknown = structuredClone(whole);
        const target = path.reduce<unknown>(
          (value, step) => (value as Readonly<Record<string | number, unknown>>)[step],
          raw,
        );
        expect(checkConfig(raw, '.')).to.have.property('config');
        Object.assign(target as object, { unheardOf: 1 });
        const result = checkConfig(raw, '.');
        expect(result).not.to.have.property('config');
        expect(result)
          .to.have.property('faults')
          .that.satisfies(
            (faults: readonly { option: readonly (string | number)[]; on: string }[]) =>
              faults.length === 1 &&
              faults.every(
                ({ option, on }) => on === 'name' && option.join() === [...path, 'unheardOf'].join(),
              ),
          );
      });
    }

    it('name the nearest known one', () => {
      expect(nearestName('prot', ['host', 'port', 'root'])).to.equal('port');
      expect(nearestName('headers-timeout', ['requestTimeout', 'headersTimeout'])).to.equal('headersTimeout');
      expect(nearestName('entirelyElse', ['host', 'port'])).to.equal(undefined);
      expect(nearestName('x'.repeat(100_000), ['host'])).to.equal(undefined);
    });
  });

  describe('messages', () => {
    it('stay on one line and in plain characters whatever they quote', () => {
      expect(quote('a\nb\u001b[2J\u2028\u202ec\u0085')).to.equal('"a\\nb\\u001b[2J\\u2028\\u202ec\\u0085"');
      expect(quote('x'.repeat(500)).length).to.be.below(100);
    });

    it('do not repeat user information or queries of URLs', () => {
      const [fire, rescue] = twoPeers.peers ?? [];
      const peers = [
        { ...fire, root: 'https://gms:hunter2@gms.fire.example/x' },
        { ...rescue, root: 'https://gms.rescue.example/x?key=hunter2' },
      ];
      const lines = complaints({ ...twoPeers, peers });
      expect(lines).to.have.lengthOf(2);
      expect(lines.join()).not.to.include('hunter2');
    });
  });

  const seed = 0x23280;
  it(`is judged without a throw whatever it holds (seed ${seed})`, () => {
    const names = fc.constantFrom(
      ...new Set(describeOptions().flatMap(({ path }) => path.replaceAll('[]', '').split('.'))),
      '__proto__',
      'constructor',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constantFrom(null, undefined)),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(names, tie('tree'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (raw) => {
        const result = checkConfig(raw, '.');
        if ('faults' in result) expect(result.faults).not.to.be.empty;
        else expect(result.config.system.domains).not.to.be.empty;
      }),
      { seed, numRuns: 500 },
    );
  });
});
