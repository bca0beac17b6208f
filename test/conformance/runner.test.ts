import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { BadCases, parseCases, readSuite, type ConformanceCase } from '../../conformance/case-format.js';
import { Client } from '../../conformance/exchange.js';
import { readOptions } from '../../conformance/options.js';
import { formatJunit, formatText } from '../../conformance/report.js';
import { runAll, runCase, usagesOf, type CaseResult, type RunSettings } from '../../conformance/run.js';
import { readXml } from '../../conformance/xml.js';
import { Command } from '../support/command.js';
import { TestSystem, who } from '../support/system.js';
import { WrongServer, type Fault } from './wrong-server.js';

const suite = readSuite(new URL('../../../fixtures/conformance/', import.meta.url));

function caseOf(id: string): ConformanceCase {
  return suite.cases.find((each) => each.id === id) ?? expect.fail(`no case ${id}`);
}

async function settingsFor(client: Client, root: string): Promise<RunSettings> {
  const basic = { root, send: client.send.bind(client), credentials: () => ({}) };
  return {
    ...basic,
    domain: 'police.example',
    creationXui: 'sip:group-creation@police.example',
    identities: {},
    usages: await usagesOf(basic).catch(() => undefined),
    token: 'runner',
  };
}

describe('The runner of the conformance suite', () => {
  async function judged(
    fault: Fault,
    ids: readonly string[],
    more: Partial<RunSettings> = {},
  ): Promise<readonly CaseResult[]> {
    const server = await WrongServer.start(fault);
    const client = new Client({ root: server.root, deadline: 200 });
    try {
      const settings = { ...(await settingsFor(client, server.root)), ...more };
      const results = await runAll(ids.map(caseOf), settings, suite);
      if (fault === 'nothing') expect(server.size, 'what a run made is removed').to.equal(0);
      return results;
    } finally {
      client.close();
      await server.close();
    }
  }

  const right = [
    'document-created',
    'document-replaced-by-smaller',
    'document-deleted',
    'tag-on-create',
    'tag-a-b-a',
    'put-match-other',
    'body-unclosed',
    'method-patch',
    'concurrent-writers',
  ];

  it('passes a server that is right', async () => {
    const results = await judged('nothing', right);
    expect(formatText(results.filter(({ outcome }) => outcome !== 'passed'))).to.include(
      '0 passed, 0 failed',
    );
  });

  const faults: readonly [Fault, string, RegExp][] = [
    ['answers 500', 'document-created', /status should be 201; it is 500/],
    ['is silent', 'document-created', /no answer to PUT .*200 ms/],
    ['loses the tag', 'tag-on-create', /ETag should match .*; it is absent/],
    ['reuses tags', 'tag-a-b-a', /ETag should differ from that of answer first and b/],
    ['merges', 'document-replaced-by-smaller', /body should hold .*Another/],
    ['ignores conditions', 'put-match-other', /status should be 412; it is 200/],
    [
      'ignores conditions',
      'concurrent-writers',
      /should be 1 × 200 or 204, 23 × 412; they are 24 × 200 or 204/,
    ],
    ['stores what it refuses', 'body-unclosed', /a refused request should change nothing/],
    ['explains in JSON', 'body-unclosed', /media type should be application\/xcap-error\+xml/],
    ['forgets Allow', 'method-patch', /405 should have Allow/],
    ['never deletes', 'document-deleted', /status should be 404; it is 200/],
  ];
  for (const [fault, id, expected] of faults) {
    it(`a server that ${fault} fails ${id}`, async () => {
      const [result] = await judged(fault, [id]);
      expect(result?.outcome).to.equal('failed');
      const told = result?.failures.flatMap(({ differences }) => differences).join('\n');
      expect(told).to.match(expected);
    });
  }

  it('a server that rewrites white space fails, but not where documents are compared as XML', async () => {
    const outcomes = async (lenient: boolean): Promise<readonly string[]> =>
      (await judged('rewrites', ['document-created'], { lenient })).map(({ outcome }) => outcome);
    expect(await outcomes(false)).to.deep.equal(['failed']);
    expect(await outcomes(true)).to.deep.equal(['passed']);
    const merged = await judged('merges', ['document-replaced'], { lenient: true });
    expect(merged[0]?.outcome).to.equal('failed');
  });

  it('tells what was sent, expected and got', async () => {
    const text = formatText(await judged('answers 500', ['document-created', 'document-missing-get']));
    expect(text).to.match(/^FAIL RFC 4825 8\.2\.1 {2}0 passed, 1 failed, 0 not applicable$/m);
    expect(text).to.match(/^document-created \(RFC 4825 8\.2\.1\): /m);
    expect(text).to.match(
      /^ {4}PUT \/root\/org\.openmobilealliance\.groups\/global\/byGroupID\/sip%3Aconf-/m,
    );
    expect(text).to.match(/^0 passed, 2 failed, 0 not applicable$/m);
  });

  it('what the server does not offer, and roles and limits that are not known, are not applicable', async () => {
    const results = await judged('nothing', ['lists-created', 'document-type', 'size-beyond-limit']);
    expect(results.map(({ outcome, reason }) => `${outcome}: ${reason}`)).to.deep.equal([
      'not applicable: the server does not offer resource-lists',
      'passed: ',
      'not applicable: the limit of bodies is not known',
    ]);
    const client = new Client({ root: 'http://127.0.0.1:9/root', deadline: 200 });
    const settings = await settingsFor(client, 'http://127.0.0.1:9/root');
    const nobody = { ...settings, credentials: () => undefined };
    const result = await runCase(caseOf('access-server-read'), nobody, suite);
    expect(result.reason).to.equal('no identity for the role server');
    client.close();
  });

  it('writes JUnit XML with right counts, whatever a server says', async () => {
    const results = await judged('explains in JSON', ['body-unclosed', 'document-created', 'lists-created']);
    const [failed, ...others] = results;
    const first = failed ?? expect.fail('no result');
    const odd = { request: 'PUT \u0000', differences: ['<&"\u0001 ]]>'], got: '\uD800 ]]>' };
    const xml = formatJunit([{ ...first, failures: [odd] }, ...others]);
    const root = readXml(xml) ?? expect.fail(xml);
    const counts = ['tests', 'failures', 'errors', 'skipped'].map((name) => root.attributes.get(name));
    expect(counts).to.deep.equal(['3', '1', '0', '1']);
    const tests = root.children.flatMap(({ children }) => children);
    expect(
      tests.map(({ local, children }) => [local, ...children.map((child) => child.local)]),
    ).to.deep.equal([['testcase', 'failure'], ['testcase'], ['testcase', 'skipped']]);
    expect(tests[0]?.attributes.get('classname')).to.equal('RFC 4825 8.2.2');
    expect(tests[0]?.children[0]?.attributes.get('message')).to.equal('<&"\uFFFD ]]>');
  });

  it('stands alone: nothing of the server under test judges it', async () => {
    const folder = new URL('../../../conformance/', import.meta.url);
    const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'));
    expect(files).to.include('run.ts');
    for (const name of files) {
      const text = await readFile(new URL(name, folder), 'utf8');
      expect(text.match(/(?:from|import\()\s*'(?!\.\/|node:|zod'|xmlbuilder2')[^']*'/g), name).to.equal(null);
    }
  });

  describe('reads the XML of answers', () => {
    it('with namespaces, references and CDATA', () => {
      const text =
        '\uFEFF<?xml version="1.0"?>\n<!--c--><a:x xmlns:a="urn:a" p="1 &amp; &#50;"><y>t<![CDATA[<]]></y></a:x>\n';
      const root = readXml(text) ?? expect.fail('no XML');
      expect([root.namespace, root.local, root.attributes.get('p')]).to.deep.equal(['urn:a', 'x', '1 & 2']);
      expect(
        root.children.map(({ namespace, local, text: inner }) => [namespace, local, inner]),
      ).to.deep.equal([['', 'y', 't<']]);
    });

    for (const text of [
      '',
      'text',
      '<a>',
      '<a></b>',
      '<a/><b/>',
      '<a/>x',
      '<a b=1/>',
      '<a b="1" b="2"/>',
      '<a b="<"/>',
      '<a:b/>',
      '<a>&b;</a>',
      '<a>&</a>',
      '<!DOCTYPE a><a/>',
      '<a>&#1114112;</a>',
      '{}',
    ]) {
      it(`${JSON.stringify(text)} is none`, () => {
        expect(readXml(text)).to.equal(undefined);
      });
    }
  });

  describe('case files', () => {
    const good = {
      id: 'a-case',
      clause: 'RFC 4825 8.3',
      title: 'a title',
      requests: [{ method: 'GET', path: '{doc}', expect: { status: 200 } }],
    };
    const inFile = (...cases: readonly unknown[]): string => JSON.stringify({ topic: 'T', needs: [], cases });

    it('are read', () => {
      expect(parseCases('t.json', inFile(good))[0]?.topic).to.equal('T');
    });

    for (const [title, json, message] of [
      ['no JSON', '{', /^t\.json: /],
      ['no cases', inFile(), /cases/],
      ['a misspelt key', inFile({ ...good, setup: [] }), /setup/],
      ['no clause', inFile({ ...good, clause: 'somewhere' }), /clause/],
      ['no requests', inFile({ ...good, requests: [] }), /requests/],
      [
        'a request without expectation',
        inFile({ ...good, requests: [{ method: 'GET', path: '/' }] }),
        /a request has expect/,
      ],
      [
        'an unknown condition',
        inFile({
          ...good,
          requests: [{ method: 'GET', path: '/', expect: { status: 409, error: 'bad-luck' } }],
        }),
        /requests/,
      ],
      [
        'two bodies in one',
        inFile({
          ...good,
          requests: [{ method: 'PUT', path: '/', body: { text: 'a', hex: '61' }, expect: { status: 200 } }],
        }),
        /requests/,
      ],
      ['an unknown document', inFile({ ...good, setUp: ['nothing'] }), /unknown document/],
    ] as const) {
      it(`${title} is a fault that names the file`, () => {
        expect(() => parseCases('t.json', json)).to.throw(BadCases, message);
      });
    }

    it('a name that nobody knows stops the run', async () => {
      const [odd] = parseCases(
        't.json',
        inFile({ ...good, requests: [{ method: 'GET', path: '/{nonsense}', expect: { status: 200 } }] }),
      );
      const client = new Client({ root: 'http://127.0.0.1:9/root', deadline: 200 });
      const settings = await settingsFor(client, 'http://127.0.0.1:9/root');
      const error: unknown = await runCase(odd ?? expect.fail('no case'), settings, suite).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(BadCases).with.property('message', 'a-case: {nonsense} is no name');
      client.close();
    });

    it('every case writes below names of its own only', () => {
      const own = /\{(doc|group|groupId|name|user|lists|services)\d?\}/;
      for (const { id, setUp } of suite.cases) {
        for (const { path } of setUp) expect(path, id).to.match(own);
      }
    });
  });

  describe('as a command', () => {
    const main = fileURLToPath(new URL('../../conformance/main.js', import.meta.url));
    const run = (...args: readonly string[]): Command =>
      new Command(spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
    const basic = ['--root', 'http://127.0.0.1:9/root', '--user', 'sip:admin@police.example'];

    const wrong: readonly [readonly string[], RegExp][] = [
      [[], /--root is missing/],
      [['--root', 'ftp://x/'], /no http or https URI/],
      [['--root', 'http://x/root?a'], /neither query/],
      [['--root', 'http://x/root'], /--user is missing/],
      [['--root', 'http://x/root', '--user', 'admin'], /--user is no URI/],
      [['--root', 'http://x/root', '--user', 'tel:+1'], /--domain is missing/],
      [[...basic, '--role', 'king=sip:a@b'], /a role of member, stranger and server: king/],
      [[...basic, '--role', 'member'], /--role is ROLE=/],
      [[...basic, '--role', 'member='], /member has no value/],
      [[...basic, '--role', 'member=a'], /no URI: a/],
      [[...basic, '--token', 'member=abc'], /--token member needs --role member=URI/],
      [[...basic, '--deadline', '0'], /--deadline is a positive number/],
      [[...basic, '--body-limit', 'much'], /--body-limit is a positive number/],
      [[...basic, '--root', 'http://y/'], /--root is given twice/],
      [[...basic, '--frob'], /no option --frob/],
      [[...basic, '--only'], /--only needs a value/],
      [[...basic, '--list=yes'], /--list takes no value/],
      [[...basic, 'more'], /"more" is no option/],
    ];
    for (const [words, message] of wrong) {
      it(`explains ${words.slice(-2).join(' ') || 'no options at all'}`, () => {
        const call = readOptions(words);
        expect(call.kind === 'wrong' ? call.message : call.kind)
          .to.match(message)
          .and.match(/--help/);
      });
    }

    it('a wrong option, a server that is not there, no case: exit code 2', async () => {
      for (const [words, message] of [
        [['--frob'], /^conformance: there is no option --frob\n/],
        [[...basic, '--only', 'caps'], /^conformance: no answer to GET \/root\/xcap-caps/],
        [[...basic, '--only', 'no such case'], /^conformance: no case has "no such case"/],
        [[...basic, '--ca', '/nowhere.pem'], /^conformance: --ca \/nowhere\.pem cannot be read/],
      ] as const) {
        const command = run(...words);
        expect(await command.exit(), command.errors).to.equal(2);
        expect(command.errors).to.match(message);
        expect(command.output).to.equal('');
      }
    });

    it('--help and --list tell and run nothing', async () => {
      const help = run('--help');
      expect(await help.exit()).to.equal(0);
      expect(help.output).to.include('--root URL').and.include('--junit FILE').and.include('Exit code');
      const list = run('--list', '--only', 'RFC 4825 8.5');
      expect(await list.exit()).to.equal(0);
      expect(list.output).to.match(/^RFC 4825 8\.5\ttag-on-create\t/m);
      expect(list.output).not.to.include('document-created');
    });

    it('judges a server over HTTP: a line for each clause, a summary, a report, exit code 0', async () => {
      const system = await TestSystem.start();
      const folder = await mkdtemp(join(tmpdir(), 'mcgms-conformance-'));
      try {
        const junit = join(folder, 'report.xml');
        const command = run(
          ...['--root', system.root, '--user', who.administrator],
          ...['--only', 'TS 24.481 7.2.12', '--junit', junit, '--role', 'member=sip:m@police.example'],
        );
        expect(await command.exit(), command.output + command.errors).to.equal(0);
        const line = /^ok {3}TS 24\.481 7\.2\.12 {2}(\d+) passed, 0 failed, (\d+) not applicable$/m;
        const [, passed, absent] = line.exec(command.output) ?? expect.fail(command.output);
        expect(Number(passed)).to.be.above(0);
        expect(command.output).to.match(/no identity for the role stranger/);
        const root = readXml(await readFile(junit, 'utf8')) ?? expect.fail('no XML');
        expect(root.attributes.get('tests')).to.equal(String(Number(passed) + Number(absent)));
        expect(root.attributes.get('skipped')).to.equal(absent);
      } finally {
        await rm(folder, { recursive: true, force: true });
        await system.dispose();
      }
    });

    it('a server that fails: exit code 1, and the token is in no output', async () => {
      const server = await WrongServer.start('loses the tag');
      try {
        const command = run(
          ...['--root', server.root, '--user', who.administrator, '--bearer', 'very-secret'],
          ...['--only', 'tag-on-create'],
        );
        expect(await command.exit(), command.output).to.equal(1);
        expect(command.output).to.include('0 passed, 1 failed');
        expect(command.output + command.errors).not.to.include('very-secret');
      } finally {
        await server.close();
      }
    });
  });
});
