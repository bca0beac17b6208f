import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { send } from '../support/raw-http.js';
import { groupPath, groupType, who } from '../support/system.js';

/** A small file system in memory: its room ends, and comes again. */

const megabyte = 1 << 20;

describe('a server whose disk is full', function () {
  this.timeout(60_000);
  let disk: string;
  let command: Command | undefined;

  before(async function () {
    disk = await mkdtemp(join(tmpdir(), 'mcgms-full-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${4 * megabyte}`, 'tmpfs', disk]);
    if (mounted.status === 0) return;
    console.log('      skipped: no file system can be mounted here');
    this.skip();
  });

  after(async () => {
    command?.kill('SIGKILL');
    await command?.exit();
    spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });

  it('answers 507 and keeps what it has, and takes writes again when there is room', async () => {
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(3.5 * megabyte));
    command = Command.run('serve', '--port', '0', '--data', join(disk, 'data'));
    const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\/xcap-root$/m);
    const identity = { 'X-3GPP-Asserted-Identity': who.administrator };
    const target = (n: number): string => `/xcap-root${groupPath(`sip:patrol-${n}@police.example`)}`;
    const put = async (n: number): Promise<number> => {
      const body = fixture('demo/patrol.xml').replaceAll('patrol-7', `patrol-${n}`);
      const headers = { ...identity, 'Content-Type': groupType };
      return (await send(Number(port), { method: 'PUT', target: target(n), headers, body })).status;
    };
    const get = async (n: number): Promise<number> =>
      (await send(Number(port), { method: 'GET', target: target(n), headers: identity })).status;

    let n = 0;
    let status = await put(n);
    while (status === 201 && n < 2000) {
      n += 1;
      status = await put(n);
    }
    expect(status, `after ${n} documents`).to.equal(507);
    expect(n).to.be.above(5);
    expect(await put(n), 'and again').to.equal(507);
    expect(await get(n)).to.equal(404);
    for (let each = 0; each < n; each += 1) expect(await get(each), `document ${each}`).to.equal(200);

    await rm(filler);
    expect(await put(n)).to.equal(201);
    expect(await get(n)).to.equal(200);
    command.kill('SIGTERM');
    expect(await command.exit()).to.equal(0);
    // What the engine says reaches the log: a line of JSON each, without stack or path.
    const lines = command.errors
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('Write error: '));
    const said = lines.map((line) => JSON.parse(line) as { msg: string; says?: string });
    expect(said.map(({ msg }) => msg)).to.include.members([
      'a library reports trouble',
      'the store refuses a write',
    ]);
    expect(command.errors).not.to.match(/node_modules|^\s+at |\.js|\.mdb/m);
  });
});
