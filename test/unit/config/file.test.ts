import { expect } from 'chai';
import fc from 'fast-check';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '../../../src/base/errors.js';
import { formatMistake, largestFile } from '../../../src/config/file.js';
import { checkConfigText, describeOptions, loadConfig } from '../../../src/gms/config.js';

const fixtures = fileURLToPath(new URL('../../../../fixtures/config/', import.meta.url));
const valid = join(fixtures, 'valid');
const invalid = join(fixtures, 'invalid');

interface Expected {
  readonly line: number;
  readonly column: number;
  readonly option: string;
  /** A part of the message. */
  readonly message: string;
}

const manifest = new Map(
  Object.entries(
    JSON.parse(readFileSync(join(invalid, 'manifest.json'), 'utf8')) as Readonly<Record<string, Expected[]>>,
  ),
);

/** What `loadConfig` says of `file`, line by line. */
async function refusal(file: string): Promise<string[]> {
  try {
    await loadConfig(file);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  throw new Error(`${file} was accepted`);
}

const files = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('configuration file', () => {
  describe('valid', () => {
    for (const name of files(valid)) {
      it(name, async () => {
        const config = await loadConfig(join(valid, name));
        expect(config.system.domains).not.to.be.empty;
      });
    }

    it('may leave out all but the domains', async () => {
      const config = await loadConfig(join(valid, 'smallest.yaml'));
      expect(await loadConfig(join(valid, 'byte-order-mark.yaml'))).to.deep.equal(config);
      expect(await loadConfig(join(valid, 'empty-sections.yaml'))).to.deep.equal(config);
      expect(config.store.folder).to.equal(join(valid, 'data'));
    });

    it('gives times in milliseconds, sizes in bytes and URIs in canonical form', async () => {
      expect(await loadConfig(join(valid, 'every-option.yaml'))).to.deep.equal({
        system: {
          name: 'police',
          domains: ['police.example', 'traffic.police.example'],
          telPrefixes: ['tel:+1555', 'tel:+1666'],
        },
        http: {
          host: '::1',
          port: 0,
          root: '/xcap',
          operations: '/ops',
          publicRoot: 'https://gms.police.example/xcap-root',
          limits: {
            headersTimeout: 5000,
            requestTimeout: 60_000,
            keepAliveTimeout: 250,
            answerTimeout: 20_000,
            headerBytes: 32_768,
            requestTarget: 16_384,
            connections: 50,
            bodyBudget: 33_554_432,
            answerBudget: 16_777_216,
          },
        },
        store: { folder: join(valid, 'documents'), cacheBytes: 1_073_741_824 },
        quotas: {
          xui: { documents: 100, octets: 10_485_760 },
          creator: { documents: 200, octets: 20_971_520 },
          peer: { documents: 300, octets: 31_457_280 },
          total: { documents: 1000, octets: 1_073_741_824 },
        },
        xml: {
          bodyBytes: 524_288,
          depth: 32,
          attributes: 128,
          namespaces: 32,
          elements: 10_000,
          selectorSteps: 16,
        },
        identity: {
          mode: 'development',
          administrators: ['sip:admin@police.example', 'tel:+15551234'],
        },
        groups: {
          creationXui: 'sip:new-groups@police.example',
          creators: ['sip:dispatch@police.example'],
          unknownHomes: 'warn',
          unknownNames: 'refuse',
        },
        usages: {
          shipped: ['rls-services'],
          declared: [
            {
              auid: 'pres-rules',
              defaultNamespace: 'urn:ietf:params:xml:ns:common-policy',
              mediaType: 'application/auth-policy+xml',
              schema: join(valid, 'schemas/pres-rules.xsd'),
              root: 'ruleset',
              namespaces: ['urn:ietf:params:xml:ns:pres-rules'],
              trees: ['users', 'global'],
              read: ['users'],
              write: ['owner'],
              readGlobal: ['anyone'],
              writeGlobal: ['mc-service-servers'],
              unique: [
                {
                  element: 'rule',
                  attribute: 'id',
                  within: 'document',
                  compare: 'uri',
                  alternatives: true,
                },
              ],
              values: [{ element: '{urn:x}link', attribute: 'href', form: 'http-uri' }],
            },
          ],
        },
        mcServiceServers: [
          {
            identity: 'sip:mcptt-server@police.example',
            inform: 'http://127.0.0.1:9090/changes?from=gms',
          },
          { identity: 'sip:mcdata-server@police.example' },
        ],
        peers: [
          {
            name: 'fire',
            identity: 'sip:gms@fire.example',
            root: 'https://gms.fire.example:8443/xcap-root',
            domains: ['fire.example'],
            telPrefixes: ['tel:+1777'],
            provide: false,
            accept: false,
            request: false,
            answer: false,
            reportModifications: true,
            groups: ['sip:alpha@police.example', 'tel:+16661234'],
          },
          {
            name: 'rescue',
            identity: 'sip:gms@rescue.example',
            root: 'http://192.0.2.7/xcap-root',
            domains: ['rescue.example'],
            telPrefixes: [],
            provide: true,
            accept: true,
            request: true,
            answer: true,
            reportModifications: false,
            groups: [],
          },
        ],
        interconnection: {
          identity: 'sip:gms@police.example',
          peerDeadline: 4000,
          fetchDeadline: 8000,
          answerBytes: 3_145_728,
          backOff: { first: 5000, cap: 86_400_000 },
          parallel: 4,
          fetchRate: 20,
          revalidation: 7_200_000,
          removals: { groups: 20, percent: 5 },
          reconciliation: { interval: 1_800_000, rate: 100 },
          refusalMemory: 0,
          policyDeadline: 1500,
          operationDeadline: 120_000,
        },
        audit: { file: '/var/log/mcgms/audit.jsonl', rotateBytes: 104_857_600, keep: 20 },
        log: { level: 'debug', file: join(valid, 'mcgms.log'), rotateBytes: 10_485_760, keep: 5 },
      });
    });

    it('shows every option of the table in every-option.yaml', async () => {
      const text = await readFile(join(valid, 'every-option.yaml'), 'utf8');
      for (const { path } of describeOptions()) {
        const name = path.split('.').at(-1) ?? '';
        expect(text, path).to.match(new RegExp(`\\b${name}:`));
      }
    });

    it('may use aliases', async () => {
      const config = await loadConfig(join(valid, 'aliases.yaml'));
      expect(config.http.limits).to.include({ headersTimeout: 3000, keepAliveTimeout: 3000 });
      expect(config.interconnection.peerDeadline).to.equal(3000);
    });
  });

  describe('invalid', () => {
    it('is judged by a manifest that knows every file', async () => {
      const names = (await readdir(invalid)).filter((name) => name !== 'manifest.json');
      expect([...manifest.keys()]).to.have.members(names);
    });

    for (const [name, mistakes] of manifest) {
      it(`${name}: ${mistakes.length === 1 ? 'the mistake' : 'every mistake'} with its place`, async () => {
        const file = join(invalid, name);
        const lines = await refusal(file);
        const places = lines.map((line) => line.slice(0, line.indexOf(': ')));
        expect(places).to.deep.equal(mistakes.map(({ line, column }) => `${file}:${line}:${column}`));
        for (const [index, { option, message }] of mistakes.entries()) {
          const said = (lines[index] ?? '').slice((places[index] ?? '').length + 2);
          if (option !== '') expect(said.startsWith(`${option}: `), said).to.equal(true);
          expect(said).to.include(message);
          // What is wrong is half of it; the other half is what would be right.
          expect(said).to.match(
            /must be|did you mean|known|keep |write |save |at most|is one document|YAML|may listen|needs|is homed|has one role|only groups/,
          );
        }
      });
    }

    it('has its mistakes in the order of their places', () => {
      for (const name of files(invalid)) {
        const result = checkConfigText(readFileSync(join(invalid, name), 'utf8'), name);
        const mistakes = 'mistakes' in result ? result.mistakes : [];
        const places = mistakes.map(({ line, column }) => line * 1e6 + column);
        expect(places, name).to.deep.equal(places.toSorted((a, b) => a - b));
      }
    });

    it('tells no secret of a URL', async () => {
      const lines = await refusal(join(invalid, 'peer-addresses.yaml'));
      expect(lines.join('\n')).not.to.include('secret');
    });
  });

  describe('that cannot be read', () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mcgms-config-'));
    });
    afterEach(async () => {
      await rm(folder, { recursive: true });
    });

    it('is named where it is missing', async () => {
      const file = join(folder, 'absent.yaml');
      expect(await refusal(file)).to.deep.equal([`${file}: cannot be read: there is no such file`]);
    });

    it('is named where it is a folder', async () => {
      expect(await refusal(folder)).to.deep.equal([`${folder}: cannot be read: it is a folder`]);
    });

    it('is named where a part of its path is a file', async () => {
      await writeFile(join(folder, 'file'), '');
      const file = join(folder, 'file', 'gms.yaml');
      expect(await refusal(file)).to.deep.equal([
        `${file}: cannot be read: a part of its path is not a folder`,
      ]);
    });

    it('is read at the largest size and refused one byte above', async () => {
      const file = join(folder, 'large.yaml');
      const start = 'system: {domains: [police.example]} #';
      await writeFile(file, start.padEnd(largestFile, 'x'));
      expect((await loadConfig(file)).system.domains).to.deep.equal(['police.example']);
      await writeFile(file, start.padEnd(largestFile + 1, 'x'));
      expect(await refusal(file)).to.deep.equal([
        `${file}: is too large; a configuration file has at most ${largestFile} bytes`,
      ]);
    });

    it('is not followed without end', async function () {
      if (process.platform === 'win32') this.skip();
      const [line] = await refusal('/dev/zero');
      expect(line).to.match(/^\/dev\/zero: is too large/);
    });
  });

  describe('that is hostile', () => {
    const hostile: [string, string][] = [
      ['flow sequences in each other', '['.repeat(largestFile)],
      ['flow mappings in each other', '{a: '.repeat(largestFile / 4)],
      ['block sequences in each other', '- '.repeat(largestFile / 2)],
      ['explicit keys in each other', '? '.repeat(largestFile / 2)],
      ['anchors and aliases by the thousand', `b: [${'&a x, *a, '.repeat(largestFile / 10 - 1)}]`],
      ['quotes that never close', '- "\n'.repeat(largestFile / 4)],
      ['names given twice by the thousand', 'a: 1\n'.repeat(largestFile / 5 - 1)],
      ['one long name', `${'x'.repeat(largestFile - 8)}: 1`],
      ['one long value', `system: {name: ${'a-'.repeat(largestFile / 2 - 20)}}`],
    ];
    for (const [title, text] of hostile) {
      it(`is refused: ${title}`, () => {
        const result = checkConfigText(text, 'gms.yaml');
        expect(result).to.have.property('mistakes').that.is.not.empty;
        const { mistakes } = result as { mistakes: readonly Parameters<typeof formatMistake>[0][] };
        const longest = mistakes.reduce((most, each) => Math.max(most, formatMistake(each).length), 0);
        expect(longest).to.be.below(600);
      });
    }

    it('accepts the deepest nesting and refuses one level more', () => {
      const nested = (levels: number): string => `x: ${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}`;
      const messages = (text: string): string => JSON.stringify(checkConfigText(text, 'gms.yaml'));
      expect(messages(nested(32)))
        .to.include('unknown option')
        .and.not.to.include('nested');
      expect(messages(nested(33))).to.include('nested too deeply');
    });

    it('accepts a hundred aliases and refuses one more', () => {
      const text = (count: number): string =>
        `x: &a b\nsystem: {domains: [police.example]}\ny: [${'*a, '.repeat(count)}]`;
      const messages = (count: number): string => JSON.stringify(checkConfigText(text(count), 'gms.yaml'));
      expect(messages(100)).to.include('unknown option').and.not.to.include('alias');
      expect(messages(101)).to.include('too many aliases');
    });

    const seed = 0x24481;
    it(`is judged without a throw, in order and with places inside the text (seed ${seed})`, () => {
      const sound = readFileSync(join(valid, 'every-option.yaml'), 'utf8');
      const scrap = fc.constantFrom(
        '"',
        "'",
        '[',
        ']',
        '{',
        '}',
        ':',
        '- ',
        '\n',
        '\t',
        '&a ',
        '*a',
        '? ',
        '#',
        '|',
        '\0',
        '---\n',
        'ü',
        '!!x ',
        '%',
      );
      const edit = fc.tuple(fc.nat(sound.length), fc.nat(40), scrap);
      fc.assert(
        fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), (edits) => {
          let text = sound;
          for (const [at, length, insert] of edits)
            text = text.slice(0, at) + insert + text.slice(at + length);
          const result = checkConfigText(text, 'gms.yaml');
          if ('config' in result) return;
          expect(result.mistakes).not.to.be.empty;
          const lines = text.split('\n');
          let last = 0;
          for (const { line, column } of result.mistakes) {
            expect(column).to.be.within(1, (lines[line - 1]?.length ?? 0) + 1);
            expect(line * 1e6 + column).to.be.at.least(last);
            last = line * 1e6 + column;
          }
        }),
        { seed, numRuns: 300 },
      );
    });
  });

  it('stands in each mistake as file, line, column, option and message', () => {
    const mistake = { file: 'etc/gms.yaml', line: 3, column: 9, option: 'http.port', message: 'is odd' };
    expect(formatMistake(mistake)).to.equal('etc/gms.yaml:3:9: http.port: is odd');
    expect(formatMistake({ ...mistake, option: '' })).to.equal('etc/gms.yaml:3:9: is odd');
  });
});
