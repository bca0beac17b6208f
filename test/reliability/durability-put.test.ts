import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command, program } from '../support/command.js';
import { fixture } from '../support/fixtures.js';
import { send } from '../support/raw-http.js';
import { callsOf, onlyCallOf, requireOrder, TracedProcess, needsStrace } from '../support/strace.js';
import { groupPath, groupType, who } from '../support/system.js';

const writes = ['write', 'pwrite64', 'writev', 'pwritev', 'sendto', 'sendmsg'];
const fsyncs = ['fsync', 'fdatasync'];

describe('the order of system calls of one PUT', function () {
  this.timeout(30_000);
  let folder: string;

  before(async function () {
    needsStrace(this);
    folder = await mkdtemp(join(tmpdir(), 'mcgms-put-'));
  });

  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is: pages, fdatasync, meta page, 201 to the client', async () => {
    const args = ['serve', '--port', '0', '--data', join(folder, 'data')];
    const traced = await TracedProcess.start(program, args, [...writes, ...fsyncs]);
    const command = new Command(traced.child);
    const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)/m);
    const answer = await send(Number(port), {
      method: 'PUT',
      target: `/xcap-root${groupPath('sip:patrol-7@police.example')}`,
      headers: { 'X-3GPP-Asserted-Identity': who.administrator, 'Content-Type': groupType },
      body: fixture('demo/patrol.xml'),
    });
    expect(answer.status).to.equal(201);
    await traced.kill('SIGTERM');
    const { exitCode, trace } = await traced.finish();
    expect(exitCode).to.equal(0);

    const answer201 = onlyCallOf(trace, writes, /HTTP\/1\.1 201 Created/);
    const before = callsOf(trace, [...writes, ...fsyncs], /^\d+<[^>]*\/store\.mdb>/).filter(
      ({ began }) => began < answer201.began,
    );
    const [page, sync, meta] = before.slice(-3);
    if (!page || !sync || !meta) throw new Error('calls are missing');
    expect(sync.name).to.equal('fdatasync');
    expect(meta.arguments, 'a meta page').to.match(/, 128, (?:40|4136)$/);
    requireOrder([
      ['write of the last pages', page],
      ['fdatasync', sync],
      ['write of the meta page', meta],
      ['the answer to the client', answer201],
    ]);
  });
});
