import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readArguments } from '../../src/cli/arguments.js';
import { operate } from '../../src/cli/operate/operate.js';
import { Command } from '../support/command.js';
import { auditOf } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  freePort,
  getAs,
  groupText,
  joint,
  police,
  ScriptedServer,
  startPair,
  type Pair,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';

interface Said {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs one command of the operator against `system`, as that administrator. */
async function mcgms(system: TestSystem, as: string, ...words: readonly string[]): Promise<Said> {
  const call = readArguments([...words, '--server', `http://127.0.0.1:${system.port}`, '--as', as]);
  if (call.command !== 'operate') throw new Error(`not an operator's command: ${JSON.stringify(call)}`);
  let output = '';
  let errors = '';
  const write = (text: string): void => void (output += text);
  const writeError = (text: string): void => void (errors += text);
  const code = await operate(call.call, { write, writeError });
  return { code, output, errors };
}

/** The cells of the first row below the headings, by heading. */
function firstRow(text: string, headings: RegExp): Readonly<Record<string, string>> {
  const lines = text.split('\n');
  const index = lines.findIndex((line) => headings.test(line));
  const heading = lines[index] ?? '';
  const starts = [...heading.matchAll(/\S+(?: \S+)*/g)];
  const row = lines[index + 1] ?? '';
  return Object.fromEntries(
    starts.map((start, column) => [start[0], row.slice(start.index, starts[column + 1]?.index).trim()]),
  );
}

const local = groupText({ members: [police.member] });

describe('mcgms for operators', () => {
  let pair: Pair;
  const onA = async (...words: readonly string[]): Promise<Said> =>
    await mcgms(pair.a, police.administrator, ...words);
  const onB = async (...words: readonly string[]): Promise<Said> =>
    await mcgms(pair.b, fire.administrator, ...words);

  beforeEach(async () => {
    pair = await startPair({ b: { peer: { reportModifications: true } } });
  });

  afterEach(async () => {
    await pair.dispose();
  });

  it('peers: a table, and the same as JSON', async () => {
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    const { code, output } = await onA('peers');
    expect(code).to.equal(0);
    expect(firstRow(output, /^PEER/)).to.include({
      PEER: 'b',
      STATE: 'reachable',
      DELIVERED: '1',
      PARKED: '0',
    });
    const json = JSON.parse((await onA('peers', '--json')).output) as { readonly peers: readonly unknown[] };
    expect(json.peers[0]).to.include({ name: 'b', delivered: 1 });
  });

  it('peers NAME: every group with its last Result; on the other side, what was received', async () => {
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    const ours = await onA('peers', 'b');
    expect(firstRow(ours.output, /^GROUP/)).to.include({
      GROUP: joint,
      STATUS: 'delivered',
      BEHIND: '0',
      'LAST RESULT': '201: reception success, modification success (0 modified), storage success',
    });
    const theirs = await onB('peers', 'a');
    expect(firstRow(theirs.output, /^GROUP/)).to.include({ GROUP: joint, MODIFICATIONS: '0' });
  });

  it('share and unshare: given and withdrawn', async () => {
    await administratorPuts(pair.a, police, joint, local);
    expect(await onA('share', joint, 'b')).to.deep.equal({
      code: 0,
      output: `${joint} is shared with b from now on\n`,
      errors: '',
    });
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'delivered');
    expect((await copyAt(pair.b, joint)).received.text).to.equal(local);
    expect((await onA('share', joint, 'b')).output).to.match(/was shared with b before/);
    expect((await onA('unshare', joint, 'b')).code).to.equal(0);
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
    expect((await getAs(pair.b, fire.administrator, joint)).status).to.equal(404);
    const again = await onA('unshare', joint, 'b');
    expect(again).to.include({ code: 1, output: '' });
    expect(again.errors).to.match(/answers 404: the group .* is not shared with "b" by name/);
  });

  it('a withdrawal that a partner cannot be told of yet says that it is one', async () => {
    await administratorPuts(pair.a, police, joint, local);
    await onA('share', joint, 'b');
    await pair.a.log.line('group information delivered');
    await pair.b.close();
    await onA('unshare', joint, 'b');
    await pair.a.log.line('group information not delivered');
    expect(firstRow((await onA('peers', 'b')).output, /^GROUP/)).to.include({
      STATUS: 'pending withdrawal',
      REASON: 'the connection failed (ECONNREFUSED)',
    });
    await pair.b.open();
    expect((await onA('verify', 'b')).output).to.match(/^b: 0 in sync, .* 1 missing here, /);
    expect((await onA('retry', 'b')).output).to.equal('b: 1 group tried again\n');
    await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');
    expect((await onA('peers', 'b')).output).to.match(/Our groups there: none/);
  });

  it('verify: 0 where both sides agree, 1 where they do not', async () => {
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    const summary = ': 1 in sync, 0 drift, 0 missing there, 0 missing here, 0 not comparable\n';
    expect(await onA('verify', 'b')).to.include({ code: 0, output: `b${summary}` });
    expect(await onB('verify', 'a')).to.include({ code: 0, output: `a${summary}` });
    await pair.b.close();
    const { code, output } = await onA('verify', 'b');
    expect(code).to.equal(1);
    expect(firstRow(output, /^GROUP/)).to.include({
      GROUP: joint,
      WHOSE: 'ours',
      STATE: 'not-comparable',
      REASON: 'the peer does not answer: the connection failed (ECONNREFUSED)',
    });
  });

  it('retry and refetch', async () => {
    expect((await onA('retry', 'b')).output).to.equal('b: nothing is pending or parked\n');
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    expect(await onB('refetch', 'a')).to.include({ code: 0, output: 'a: 1 unchanged\n' });
    expect(await onB('refetch', 'a', joint)).to.include({ code: 0, output: 'a: 1 unchanged\n' });
    const unheld = await onB('refetch', 'a', 'sip:x@police.example');
    expect(unheld.code).to.equal(1);
    expect(firstRow(unheld.output, /^GROUP/)).to.deep.equal({
      GROUP: 'sip:x@police.example',
      OUTCOME: 'not-held',
    });
    await pair.a.close();
    expect(await onB('refetch', 'a')).to.include({ code: 1 });
  });

  /** The system goes on with an empty folder. */
  const wipe = async (system: TestSystem): Promise<void> => {
    await system.close();
    await rm(join(system.folder, 'data'), { recursive: true });
    await system.open();
    system.log.clear();
  };

  describe('after a system has lost its store', () => {
    beforeEach(async () => {
      await administratorPuts(pair.a, police, joint, groupText());
      await pair.a.log.line('group information delivered');
      pair.a.log.clear();
    });

    const goneAtB = async (): Promise<unknown> =>
      await pair.a.log.line('group information delivered', ({ outcome }) => outcome === 'withdrawn');

    it('resend: the partner is told again, whatever it is believed to hold', async () => {
      await wipe(pair.b);
      expect(await onA('resend', 'b')).to.deep.equal({
        code: 0,
        output: 'b: 1 group pending again\n',
        errors: '',
      });
      await pair.a.log.line('group information delivered');
      expect((await copyAt(pair.b, joint)).received.text).to.equal(groupText());
      expect(await onA('resend', 'b', 'sip:x@fire.example')).to.include({
        code: 1,
        output: 'b: nothing was ever owed of sip:x@fire.example\n',
      });
    });

    it('resend GROUP: a copy of which nothing is known here is withdrawn, and a verification shows it', async () => {
      await wipe(pair.a);
      const { code, output } = await onA('verify', 'b');
      expect(code).to.equal(1);
      expect(firstRow(output, /^GROUP/)).to.include({
        GROUP: joint,
        WHOSE: 'ours',
        STATE: 'missing-here',
        REASON: 'nothing is known here of this group of ours',
      });
      const repaired = await onA('verify', '--repair', 'b');
      expect(repaired.code).to.equal(1);
      expect(firstRow(repaired.output, /^GROUP/)).to.include({ GROUP: joint, DONE: 'left' });
      expect((await copyAt(pair.b, joint)).received.status, 'it may be the last copy').to.equal(200);
      expect((await onA('resend', 'b', joint)).output).to.equal('b: 1 group pending again\n');
      await goneAtB();
      expect((await copyAt(pair.b, joint)).received.status).to.equal(404);
      expect(await onA('verify', 'b')).to.include({ code: 0 });
    });

    it('verify finds by the other side’s list what is missing here; --repair fetches it', async () => {
      await wipe(pair.b);
      const { code, output } = await onB('verify', 'a');
      expect(code).to.equal(1);
      expect(firstRow(output, /^GROUP/)).to.include({
        GROUP: joint,
        WHOSE: 'theirs',
        STATE: 'missing-here',
        REASON: 'the peer has it for us, and it is not held here',
      });
      const repaired = await onB('verify', 'a', '--repair');
      expect(repaired.code, repaired.output).to.equal(0);
      expect(repaired.output).to.match(/^a: 0 in sync, 1 differed\n/);
      expect(firstRow(repaired.output, /^GROUP/)).to.include({ GROUP: joint, DONE: 'fetched' });
      expect((await copyAt(pair.b, joint)).received.text).to.equal(groupText());
      expect(await onB('verify', 'a')).to.include({ code: 0 });
    });

    it('verify --repair tells the partner again of what differs there', async () => {
      await wipe(pair.b);
      const repaired = await onA('verify', 'b', '--repair');
      expect(repaired.code, repaired.output).to.equal(0);
      expect(firstRow(repaired.output, /^GROUP/)).to.include({ GROUP: joint, DONE: 'pending again' });
      await pair.a.log.line('group information delivered');
      expect(await onA('verify', 'b')).to.include({ code: 0 });
      expect((await onA('verify', 'b', '--repair')).output).to.equal('b: 1 in sync, 0 differed\n');
    });
  });

  it('accept-removals: with nothing to remove', async () => {
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    expect(await onB('accept-removals', 'a')).to.include({
      code: 0,
      output: 'a: 0 groups removed (1 unchanged)\n',
    });
    expect((await onB('peers', 'a')).output).to.match(
      /^received groups asked for again: \S+ \(1 unchanged\)$/m,
    );
  });

  it('forget: only what is owed to a system that is configured no more', async () => {
    await administratorPuts(pair.a, police, joint, groupText());
    await pair.a.log.line('group information delivered');
    const refused = await onA('forget', 'b');
    expect(refused).to.include({ code: 1, output: '' });
    expect(refused.errors).to.match(/answers 409: "b" is a peer/);
    await pair.a.close();
    await pair.a.open({ peers: [] });
    await administratorDeletes(pair.a, police, joint);
    const row = { PEER: 'b', STATE: 'no peer any more', PENDING: '1', DELIVERED: '0' };
    expect(firstRow((await onA('peers')).output, /^PEER/)).to.include(row);
    expect(await onA('forget', 'b')).to.include({
      code: 0,
      output: 'b: nothing is owed any more of 1 group\n',
    });
    expect((await onA('peers')).output).to.equal('no peers are configured\n');
    expect((await onA('forget', 'b')).errors).to.match(/answers 404: nothing is owed to a system called "b"/);
  });

  it('a refusal is said in the server’s words, exit code 1', async () => {
    const stranger = await mcgms(pair.a, police.member, 'peers');
    expect(stranger).to.include({ code: 1, output: '' });
    expect(stranger.errors).to.match(
      /^mcgms: http:\/\/127\.0\.0\.1:\d+\/operations answers 403: this is for administrators\n$/,
    );
    expect((await onA('verify', 'nobody')).errors).to.match(/no peer is called "nobody"/);
    expect((await onA('share', 'x', 'b')).errors).to.match(/is no MC service group ID/);
  });

  it('what operators asked for stands in the audit log', async () => {
    await administratorPuts(pair.a, police, joint, local);
    await onA('share', joint, 'b');
    await onA('verify', 'b');
    await pair.a.close();
    const asked = (await auditOf(pair.a)).filter(({ event }) => event === 'operation');
    expect(asked.map(({ operation, identity, group }) => [operation, identity, group])).to.deep.equal([
      ['share', police.administrator, joint],
      ['verify', police.administrator, null],
    ]);
  });
});

describe('mcgms for operators, as a process', () => {
  it('takes address and administrator from the configuration file; a wrong call is 2', async () => {
    const pair = await startPair();
    try {
      const file = join(pair.a.folder, 'a.yaml');
      const config = [
        'system: { name: a, domains: [police.example] }',
        `http: { port: ${pair.a.port} }`,
        "identity: { administrators: ['sip:admin@police.example'] }",
      ];
      await writeFile(file, config.join('\n'));
      const peers = Command.run('peers', '--config', file);
      expect(await peers.exit(), peers.errors).to.equal(0);
      expect(peers.output).to.match(/^PEER +STATE .*\nb +not tried yet/);
      const wrong = Command.run('verify');
      expect(await wrong.exit()).to.equal(2);
      expect(wrong.errors).to.match(/mcgms verify needs PEER/);
      await writeFile(file, config.slice(0, 1).join('\n'));
      const nobody = Command.run('peers', '--config', file);
      expect(await nobody.exit()).to.equal(2);
      expect(nobody.errors).to.equal('mcgms: the configuration names no administrator: give --as IDENTITY\n');
      expect(await readFile(file, 'utf8')).to.equal(config[0]);
    } finally {
      await pair.dispose();
    }
  });

  it('says what it found where no such server is', async () => {
    const nothing = Command.run('peers', '--server', `http://127.0.0.1:${await freePort()}`);
    expect(await nothing.exit()).to.equal(1);
    expect(nothing.errors).to.match(/no server answers at .*: the connection failed \(ECONNREFUSED\)/);
    const other = await ScriptedServer.start({
      status: 200,
      headers: { 'Content-Type': 'text/html' },
      body: '<html>\u001b[2J</html>',
    });
    try {
      const strange = Command.run('peers', '--server', `http://127.0.0.1:${other.port}`);
      expect(await strange.exit()).to.equal(1);
      expect(strange.errors).to.match(/answers 200: no answer of such a server/);
    } finally {
      await other.down();
    }
  });
});
