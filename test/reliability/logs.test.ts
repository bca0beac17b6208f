import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { send } from '../support/raw-http.js';
import { groupPath, groupType, who } from '../support/system.js';

/** Log files of a server that runs: SIGHUP opens them anew, and what a start warns of stands in them. */

interface Line {
  readonly event?: string;
  readonly msg?: string;
  readonly place?: string;
  readonly option?: string;
}

async function linesOf(file: string): Promise<readonly Line[]> {
  const text = await readFile(file, 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Line);
}

/** Waits until `file` is there and has a line with this message. */
async function said(file: string, message: string): Promise<void> {
  for (;;) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (isThere && (await readFile(file, 'utf8')).includes(`"msg":"${message}"}\n`)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Log files of a server that runs', function () {
  this.timeout(30_000);
  let folder: string;
  let command: Command | undefined;
  const at = (name: string): string => join(folder, name);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-logs-'));
  });

  afterEach(async () => {
    command?.kill('SIGKILL');
    await command?.exit();
    command = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const serve = async (options: string, ...args: readonly string[]): Promise<number> => {
    const file = at('gms.yaml');
    await writeFile(
      file,
      `system: { domains: [police.example] }
http: { port: 0 }
identity: { administrators: ['${who.administrator}'] }
${options}
`,
    );
    command = Command.run('serve', '--config', file, ...args);
    const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\/xcap-root$/m);
    await command.said(/Ctrl-C stops/);
    return Number(port);
  };

  const put = async (port: number): Promise<void> => {
    const answer = await send(port, {
      method: 'PUT',
      target: `/xcap-root${groupPath('sip:patrol-7@police.example')}`,
      headers: { 'X-3GPP-Asserted-Identity': who.administrator, 'Content-Type': groupType },
      body: fixture('demo/patrol.xml'),
    });
    expect(answer.status).to.be.oneOf([200, 201]);
  };

  it('go on in new files after a rename and SIGHUP, and nothing is lost', async () => {
    const port = await serve('log: { file: gms.log }');
    await put(port);
    await rename(at('data/audit.jsonl'), at('former.jsonl'));
    await rename(at('gms.log'), at('former.log'));
    command?.kill('SIGHUP');
    await said(at('gms.log'), 'log files opened anew');
    await put(port);
    command?.kill('SIGTERM');
    expect(await command?.exit()).to.equal(0);
    const events = async (file: string): Promise<readonly (string | undefined)[]> =>
      (await linesOf(file)).map(({ event }) => event);
    expect(await events(at('former.jsonl'))).to.deep.equal(['start', 'write']);
    expect(await events(at('data/audit.jsonl'))).to.deep.equal(['write', 'stop']);
    expect(command?.errors).to.equal('');
  });

  it('SIGHUP does not end a server that has none', async () => {
    const port = await serve('audit: { file: none }');
    command?.kill('SIGHUP');
    command?.kill('SIGHUP');
    await put(port);
    command?.kill('SIGTERM');
    expect(await command?.exit()).to.equal(0);
    expect(command?.errors).to.contain('log files opened anew');
  });

  it('SIGHUP opens the log of a gateway anew', async () => {
    const file = at('gateway.yaml');
    await writeFile(
      file,
      `system: { identity: 'sip:gms@fire.example' }
outside: { port: 0 }
gms: [{ name: a, identity: 'sip:a@fire.example', root: 'http://127.0.0.1:1/x', domains: [fire.example] }]
log: { file: gateway.log }
`,
    );
    command = Command.run('gateway', '--config', file);
    await command.said(/Ctrl-C stops/);
    await rename(at('gateway.log'), at('former.log'));
    command.kill('SIGHUP');
    await said(at('gateway.log'), 'log files opened anew');
    const [warned] = await linesOf(at('former.log'));
    expect(warned).to.include({ place: `${file}:1:1`, option: 'peers' });
    command.kill('SIGTERM');
    expect(await command.exit()).to.equal(0);
  });

  it('have the warnings that check-config shows', async () => {
    const options =
      'xml: { bodyBytes: 131072 }\nlog: { file: ./gms.log }\naudit: { file: none, rotateBytes: 1MiB }';
    await serve(options);
    command?.kill('SIGTERM');
    await command?.exit();
    const file = at('gms.yaml');
    const started = (await linesOf(at('gms.log')))
      .filter(({ place }) => place !== undefined)
      .map(({ place = '', option = '', msg = '' }) => `${place}: warning: ${option}: ${msg}`);
    const check = Command.run('check-config', file);
    expect(await check.exit()).to.equal(0);
    expect(check.output).to.equal(`${file}: nothing is wrong\n`);
    expect(check.errors.trimEnd().split('\n')).to.deep.equal(started);
    expect(started).to.have.lengthOf(2);
  });
});
