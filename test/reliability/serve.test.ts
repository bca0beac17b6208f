import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { send } from '../support/raw-http.js';
import { groupPath, groupType, who } from '../support/system.js';

/** The commands as a user meets them: processes, their output, signals and exit codes. */

const rootPath = '/xcap-root';
const administrator = { 'X-3GPP-Asserted-Identity': who.administrator };

async function portOf(command: Command): Promise<number> {
  const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\/xcap-root$/m);
  return Number(port);
}

describe('mcgms serve', function () {
  this.timeout(30_000);
  let folder: string;
  const started: Command[] = [];

  const serve = (...args: readonly string[]): Command => {
    const command = Command.run('serve', '--port', '0', '--data', join(folder, 'data'), ...args);
    started.push(command);
    return command;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-serve-'));
  });

  afterEach(async () => {
    for (const command of started.splice(0)) {
      command.kill('SIGKILL');
      await command.exit();
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('says on its first line that it runs in development mode, then the XCAP root and three curl lines', async () => {
    const command = serve();
    await portOf(command);
    await command.said(/Ctrl-C stops/);
    const lines = command.output.split('\n');
    expect(lines[0]).to.contain('development mode').and.to.contain('loopback');
    expect(lines.filter((line) => line.startsWith('  curl '))).to.have.lengthOf(3);
  });

  it('prints curl lines that work when pasted: PUT, GET, change of one member', async function () {
    if (spawnSync('curl', ['--version']).error !== undefined) {
      console.log('      skipped: curl is missing');
      this.skip();
    }
    const command = serve();
    await command.said(/Ctrl-C stops/);
    const lines = command.output.split('\n').filter((line) => line.startsWith('  curl '));
    const answers: string[] = [];
    for (const line of lines) {
      const shell = new Command(spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'] }));
      expect(await shell.exit(), shell.errors).to.equal(0);
      answers.push(shell.output);
    }
    expect(answers.map((answer) => answer.split('\r\n')[0])).to.deep.equal([
      'HTTP/1.1 201 Created',
      'HTTP/1.1 200 OK',
      'HTTP/1.1 200 OK',
    ]);
    expect(answers[1]).to.contain(fixture('demo/patrol.xml'));
  });

  it('ends cleanly on Ctrl-C, and has everything when it is started again', async () => {
    const target = `${rootPath}${groupPath('sip:patrol-7@police.example')}`;
    const first = serve();
    const put = await send(await portOf(first), {
      method: 'PUT',
      target,
      headers: { ...administrator, 'Content-Type': groupType },
      body: fixture('demo/patrol.xml'),
    });
    expect(put.status).to.equal(201);
    first.kill('SIGINT');
    expect(await first.exit()).to.equal(0);

    const second = serve();
    const got = await send(await portOf(second), { method: 'GET', target, headers: administrator });
    expect(got.status).to.equal(200);
    expect(got.text).to.equal(fixture('demo/patrol.xml'));
    expect(got.headers.etag).to.equal(put.headers.etag);
  });

  it('loses no acknowledged write when SIGTERM comes under load', async () => {
    const first = serve();
    const port = await portOf(first);
    const acknowledged = new Map<string, string>();
    const put = async (number: number): Promise<boolean> => {
      const groupId = `sip:load-${number}@police.example`;
      const body = fixture('demo/patrol.xml').replace('sip:patrol-7@police.example', groupId);
      try {
        const answer = await send(port, {
          method: 'PUT',
          target: `${rootPath}${groupPath(groupId)}`,
          headers: { ...administrator, 'Content-Type': groupType },
          body,
        });
        if (answer.status === 201) acknowledged.set(groupId, body);
        return answer.status === 201;
      } catch {
        return false;
      }
    };
    const writer = async (from: number): Promise<void> => {
      for (let number = from; await put(number); number += 8) {
        if (acknowledged.size === 40) first.kill('SIGTERM');
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
    expect(await first.exit()).to.equal(0);
    expect(acknowledged.size).to.be.at.least(40);

    const second = serve();
    const again = await portOf(second);
    for (const [groupId, body] of acknowledged) {
      const target = `${rootPath}${groupPath(groupId)}`;
      const got = await send(again, { method: 'GET', target, headers: administrator });
      expect(got.text, groupId).to.equal(body);
    }
  });

  it('does not share a data folder with another process: exit code 69', async () => {
    await portOf(serve());
    const second = serve();
    expect(await second.exit()).to.equal(69);
    expect(second.errors).to.match(/another process/);
    expect(second.output).to.equal('');
  });

  it('says that the port is taken: exit code 1', async () => {
    const port = await portOf(serve());
    const other = join(folder, 'other');
    const second = Command.run('serve', '--port', String(port), '--data', other);
    expect(await second.exit()).to.equal(1);
    expect(second.errors).to.match(/EADDRINUSE/);
  });

  it('does not start on a wrong configuration: exit code 78', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'system: { domains: [police.example] }\nhttp: { prot: 1 }\n');
    const command = Command.run('serve', '--config', file);
    expect(await command.exit()).to.equal(78);
    expect(command.errors).to.contain(`${file}:2:9: http.prot: unknown option`);
  });
});

describe('mcgms check-config', function () {
  this.timeout(20_000);
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-check-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('explains every mistake at once, each with its place: exit code 78', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'system:\n  domain: [x]\nhttp:\n  host: 0.0.0.0\n  port: many\n');
    const command = Command.run('check-config', file);
    expect(await command.exit()).to.equal(78);
    const places = command.errors
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(file.length).split(' ')[0]);
    expect(places).to.deep.equal([':1:1:', ':2:3:', ':4:9:', ':5:9:']);
  });

  it('has nothing to say against a right one: exit code 0', async () => {
    const file = join(folder, 'right.yaml');
    await writeFile(file, 'system: { domains: [police.example] }\n');
    const command = Command.run('check-config', file);
    expect(await command.exit(), command.errors).to.equal(0);
  });

  it('compiles the schemas that it names, relative to its own folder: exit code 78 where one does not', async () => {
    const file = join(folder, 'usages.yaml');
    const usage = '{ auid: notes, defaultNamespace: urn:n, mediaType: a/b, schema: notes.xsd }';
    await writeFile(file, `system: { domains: [police.example] }\nusages: { declared: [${usage}] }\n`);
    const schema =
      '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="notes"/></xs:schema>';
    for (const [text, exit] of [
      [schema, 0],
      [schema.replace('"/>', '" type="none"/>'), 78],
    ] as const) {
      await writeFile(join(folder, 'notes.xsd'), text);
      const command = Command.run('check-config', file);
      expect(await command.exit(), command.errors).to.equal(exit);
      if (exit !== 0) expect(command.errors).to.match(/usages\.yaml: usages\.declared\[0\]\.schema: /);
    }
  });

  it('says which file it cannot read: exit code 78', async () => {
    const command = Command.run('check-config', join(folder, 'absent.yaml'));
    expect(await command.exit()).to.equal(78);
    expect(command.errors).to.contain('absent.yaml').and.to.contain('no such file');
  });
});

describe('mcgms demo', function () {
  this.timeout(20_000);

  it('plays both procedures of 23.280 clause 10.2.7 in under ten seconds', async function () {
    this.timeout(10_000);
    const command = Command.run('demo');
    expect(await command.exit(), command.errors).to.equal(0);
    expect(command.output).to.contain('10.2.7.2').and.to.contain('10.2.7.3');
    for (const step of [1, 2, 3, 4, 5, 6]) expect(command.output).to.match(new RegExp(`steps? .*${step}`));
    expect(command.output).to.match(/^ *-.*on-network-group-priority>12</m);
    expect(command.output).to.match(/^ *\+.*on-network-group-priority>6</m);
    expect(command.output).to.match(/^ *\+.*permitted-geographic-area>/m);
  });

  it('leaves both systems running with --keep, until Ctrl-C', async () => {
    const command = Command.run('demo', '--keep');
    await command.said(/Ctrl-C stops them/);
    const lines = [...command.output.matchAll(/curl -i (http:\S+) -H '([^:]+): ([^']+)'/g)];
    expect(lines).to.have.lengthOf(2);
    for (const [, url = '', name = '', identity = ''] of lines) {
      const { port, pathname } = new URL(url);
      const headers = { [name]: identity };
      expect((await send(Number(port), { method: 'GET', target: pathname, headers })).status).to.equal(200);
    }
    command.kill('SIGINT');
    expect(await command.exit()).to.equal(0);
  });
});

describe('the command line', () => {
  it('answers a wrong call with exit code 64', async () => {
    const command = Command.run('sevre');
    expect(await command.exit()).to.equal(64);
    expect(command.errors).to.contain('did you mean serve');
  });

  it('lists every option with its default', async () => {
    const command = Command.run('options');
    expect(await command.exit()).to.equal(0);
    expect(command.output).to.contain('http.port').and.to.contain('default: 8080');
  });
});
