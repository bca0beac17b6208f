import { expect } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { withPorts } from '../support/nginx.js';
import { freePort, police, ScriptedServer } from '../support/peers.js';
import { send } from '../support/raw-http.js';
import { groupPath } from '../support/system.js';

describe('mcgms gateway', function () {
  this.timeout(20_000);
  let folder: string;
  let commands: Command[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-gateway-'));
    commands = [];
  });

  afterEach(async () => {
    for (const command of commands) {
      command.kill('SIGKILL');
      await command.exit();
    }
    await rm(folder, { recursive: true, force: true });
  });

  const run = (...args: readonly string[]): Command => {
    const command = Command.run(...args);
    commands.push(command);
    return command;
  };

  it('forwards until SIGTERM, and ends with exit code 0', async () => {
    const gms = await ScriptedServer.start({ status: 404 });
    const file = join(folder, 'gateway.yaml');
    const text = withPorts(fixture('proxies/gateway.yaml'), {
      8082: gms.port,
      8092: await freePort(),
      8093: await freePort(),
    });
    await writeFile(file, text);
    try {
      const gateway = run('gateway', '--config', file);
      const [, port] = await gateway.said(
        /^XCAP root for other MC systems: http:\/\/127\.0\.0\.1:(\d+)\/xcap-root$/m,
      );
      await gateway.said(/^Peers for our GMSs: .*\/partners\/\{name of the peer\}$/m);
      const answer = await send(Number(port), {
        method: 'GET',
        target: `/xcap-root${groupPath('sip:joint@police.example')}`,
        headers: { 'X-3GPP-Asserted-Identity': police.gms },
      });
      expect([answer.status, gms.requests.length]).to.deep.equal([404, 1]);
      gateway.kill('SIGTERM');
      expect(await gateway.exit()).to.equal(0);
    } finally {
      await gms.down();
    }
  });

  it('does not start on a wrong configuration: exit code 78', async () => {
    const file = join(folder, 'wrong.yaml');
    await writeFile(file, 'system: { identity: sip:gms@fire.example }\noutsite: {}\n');
    for (const args of [
      ['gateway', '--config', file],
      ['check-config', '--gateway', file],
    ]) {
      const command = run(...args);
      expect(await command.exit()).to.equal(78);
      expect(command.errors).to.contain(`${file}:2:1: outsite: unknown option; did you mean outside?`);
    }
  });

  it('check-config --gateway: nothing is wrong with the file of docs/gateway.md', async () => {
    const file = fileURLToPath(new URL('../../../fixtures/proxies/gateway.yaml', import.meta.url));
    const command = run('check-config', '--gateway', file);
    expect(await command.exit()).to.equal(0);
    expect(command.output).to.equal(`${file}: nothing is wrong\n`);
  });

  it('options --gateway: the options of a gateway', async () => {
    const command = run('options', '--gateway');
    expect(await command.exit()).to.equal(0);
    expect(command.output).to.match(/^gms\[\]\.groups {2}\(/m);
  });
});
