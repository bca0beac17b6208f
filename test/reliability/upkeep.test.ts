import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { send } from '../support/raw-http.js';
import { groupPath, groupType, who } from '../support/system.js';

/** Backup, restore and check of a store as an operator meets them. */

describe('mcgms backup, restore, doctor', function () {
  this.timeout(60_000);
  let folder: string;
  const started: Command[] = [];

  const run = async (
    ...args: readonly string[]
  ): Promise<{ code: number | null; said: string; errors: string }> => {
    const command = Command.run(...args);
    const code = await command.exit();
    return { code, said: command.output, errors: command.errors };
  };

  const serve = async (data: string): Promise<{ command: Command; port: number }> => {
    const command = Command.run('serve', '--port', '0', '--data', data);
    started.push(command);
    const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\/xcap-root$/m);
    return { command, port: Number(port) };
  };

  const target = `/xcap-root${groupPath('sip:patrol-7@police.example')}`;
  const identity = { 'X-3GPP-Asserted-Identity': who.administrator };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-upkeep-'));
  });

  afterEach(async () => {
    for (const command of started.splice(0)) {
      command.kill('SIGKILL');
      await command.exit();
    }
    await rm(folder, { recursive: true, force: true });
  });

  it('bring back what a running server held', async () => {
    const [data, copy] = [join(folder, 'data'), join(folder, 'copy')];
    const { command, port } = await serve(data);
    const headers = { ...identity, 'Content-Type': groupType };
    const put = await send(port, { method: 'PUT', target, headers, body: fixture('demo/patrol.xml') });
    expect(put.status).to.equal(201);

    const backup = await run('backup', data, copy);
    expect(backup.errors).to.equal('');
    expect(backup.said).to.match(/: a copy of .*, checked, \d+ octets\n$/);
    expect(backup.code).to.equal(0);
    expect((await send(port, { method: 'DELETE', target, headers: identity })).status).to.equal(200);

    for (const refused of [
      ['doctor', data],
      ['restore', '--replace', copy, data],
    ]) {
      const { code, errors } = await run(...refused);
      expect(errors).to.match(/^mcgms: the data folder is owned by another process[^\n]*\n$/);
      expect(code).to.equal(69);
    }
    command.kill('SIGTERM');
    expect(await command.exit()).to.equal(0);

    expect((await run('doctor', copy)).said).to.include('nothing is wrong');
    expect((await run('restore', copy, data)).code, 'not without --replace').to.equal(69);
    const restored = await run('restore', '--replace', copy, data);
    expect(restored.errors).to.equal('');
    expect(restored.code).to.equal(0);
    const again = await serve(data);
    expect((await send(again.port, { method: 'GET', target, headers: identity })).status).to.equal(200);
  });

  it('say what is damaged and what to do about it', async () => {
    const data = join(folder, 'data');
    const { command, port } = await serve(data);
    const headers = { ...identity, 'Content-Type': groupType };
    await send(port, { method: 'PUT', target, headers, body: fixture('demo/patrol.xml') });
    command.kill('SIGTERM');
    await command.exit();
    const file = join(data, 'store.mdb');
    const bytes = await readFile(file);
    const at = bytes.lastIndexOf('police.example');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(file, bytes);

    const { code, said } = await run('doctor', data);
    expect(said).to.match(/^(bodies|labels) [0-9a-f]{32}: the checksum/m);
    expect(said).to.match(/mcgms restore --replace BACKUP .*\n$/);
    expect(code).to.equal(1);
    const served = await run('serve', '--port', '0', '--data', data);
    expect(served.errors).to.match(/^mcgms: the data folder is damaged; restore it from a backup: [^\n]*\n$/);
    expect(served.code).to.equal(69);
  });
});
