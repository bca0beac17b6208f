import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { policyMediaType } from '../../src/policy/language/policy.js';
import { Command } from '../support/command.js';
import { fire, groupText, police, policyFixture, policyPath } from '../support/peers.js';
import { send, type RawAnswer } from '../support/raw-http.js';
import { groupPath, groupType } from '../support/system.js';

const config = `
system: { name: b, domains: [fire.example] }
http: { port: 0 }
store: { folder: ./data }
identity: { administrators: ['${fire.administrator}'] }
interconnection: { identity: '${fire.gms}' }
peers:
  - { name: a, identity: '${police.gms}', root: 'http://127.0.0.1:9/xcap-root', domains: [police.example] }
`;

const ids = Array.from({ length: 60 }, (_, index) => `sip:group-${index}@police.example`);
const guest = (id: string): string => groupText({ id, name: 'Guest: Joint operation', priority: 6 });

describe('design D8, D9: a server that is killed while it derives effective documents anew', function () {
  this.timeout(20_000);
  let folder: string;
  let server: Command;
  let port: number;

  const start = async (): Promise<void> => {
    server = Command.run('serve', '--config', join(folder, 'b.yaml'));
    const [, root = ''] = await server.said(/XCAP root: (\S+)/);
    port = Number(new URL(root).port);
  };

  const ask = async (
    method: string,
    path: string,
    as: string,
    body?: string,
    type?: string,
  ): Promise<RawAnswer> =>
    await send(port, {
      method,
      target: `/xcap-root${path}`,
      headers: { 'X-3GPP-Asserted-Identity': as, ...(type !== undefined && { 'Content-Type': type }) },
      ...(body !== undefined && { body }),
    });

  const effective = async (): Promise<readonly string[]> => {
    const texts: string[] = [];
    for (const id of ids) texts.push((await ask('GET', groupPath(id), fire.administrator)).text);
    return texts;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-kill-'));
    await writeFile(join(folder, 'b.yaml'), config);
    await start();
  });

  afterEach(async () => {
    server.kill('SIGKILL');
    await server.exit();
    await rm(folder, { recursive: true, force: true });
  });

  it('derives the rest when it starts again: every effective document is policy(received)', async () => {
    for (const id of ids) {
      const answer = await ask('PUT', groupPath(id), police.gms, groupText({ id }), groupType);
      expect(answer.status).to.equal(201);
    }
    const policy = await ask(
      'PUT',
      policyPath(),
      fire.administrator,
      policyFixture('guest-groups'),
      policyMediaType,
    );
    expect(policy.status).to.equal(201);
    server.kill('SIGKILL');
    await server.exit();
    expect(server.errors, 'the pass was under way').to.not.include('effective documents were derived anew');
    await start();
    // Each of them is the one or the other at any time, and the pass comes to its end.
    for (;;) {
      const texts = await effective();
      texts.forEach((text, index) => {
        const id = ids[index] ?? '';
        expect(text).to.be.oneOf([groupText({ id }), guest(id)]);
      });
      if (server.errors.includes('effective documents were derived anew')) break;
    }
    expect(await effective()).to.deep.equal(ids.map(guest));
    const received = await ask('GET', groupPath(ids[0] ?? ''), police.gms);
    expect(received.text).to.equal(groupText({ id: ids[0] ?? '' }));
  });
});
