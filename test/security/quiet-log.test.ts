import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { exchange } from './raw-socket.js';

/** Law L4 (design D21): nobody who can connect makes the log grow without bound. */

describe('a log that outsiders write to', function () {
  this.timeout(30_000);

  it('counts what broken requests of anybody cause, and tells the count by the end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-log-'));
    const command = Command.run('serve', '--port', '0', '--data', join(folder, 'data'));
    try {
      const [, port] = await command.said(/^XCAP root: http:\/\/127\.0\.0\.1:(\d+)\//m);
      const head = 'PUT /xcap-root/resource-lists/users/sip:a@police.example/index HTTP/1.1\r\nHost: a\r\n';
      const type = 'Content-Type: application/resource-lists+xml';
      const identity = 'X-3GPP-Asserted-Identity: sip:a@police.example';
      // The body is none: no answer can be sent, which is worth a line.
      const broken = `${head}${type}\r\n${identity}\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n`;
      const requests = 300;
      for (let sent = 0; sent < requests; sent += 10) {
        await Promise.all(Array.from({ length: 10 }, () => exchange(Number(port), broken)));
      }
      command.kill('SIGTERM');
      expect(await command.exit()).to.equal(0);
      const lines = command.errors
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { readonly msg: string; readonly repeated?: number });
      const about = lines.filter(({ msg }) => msg === 'an answer could not be sent');
      // One line a second, and the number of its repetitions.
      const told = about.reduce((sum, { repeated = 1 }) => sum + repeated, 0);
      expect(told).to.equal(requests);
      expect(about.length).to.be.below(requests / 2);
    } finally {
      command.kill('SIGKILL');
      await command.exit();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
