import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lostLine } from '../../../src/base/log.js';
import { openLog } from '../../../src/cli/open-log.js';
import { ManualClock } from '../../support/manual-clock.js';

describe('The log of a program', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-log-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('has in its file what is logged at its level, and what was counted, when it is closed', async () => {
    const file = join(folder, 'gms.log');
    {
      await using opened = await openLog({ level: 'info', file, rotateBytes: 0, keep: 1 }, new ManualClock());
      opened.log.debug({}, 'unseen');
      opened.log.info({ peer: 'fire' }, 'seen');
      opened.log.info({ peer: 'fire' }, 'seen');
    }
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    const read = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(read.map(({ msg, peer, repeated }) => ({ msg, peer, repeated }))).to.deep.equal([
      { msg: 'seen', peer: 'fire', repeated: undefined },
      { msg: 'seen', peer: 'fire', repeated: 1 },
    ]);
  });

  it('is bounded in all its files', async () => {
    const file = join(folder, 'gms.log');
    {
      await using opened = await openLog(
        { level: 'info', file, rotateBytes: 500, keep: 2 },
        new ManualClock(),
      );
      for (let number = 0; number < 100; number += 1) opened.log.info({ number }, 'line');
    }
    expect(await readdir(folder)).to.have.members(['gms.log', 'gms.log.1', 'gms.log.2']);
    for (const name of await readdir(folder)) {
      expect((await readFile(join(folder, name))).length).to.be.within(1, 500);
    }
    expect(await readFile(file, 'utf8')).to.contain('"number":99');
  });

  it('has no file where nothing is logged', async () => {
    const file = join(folder, 'gms.log');
    await using opened = await openLog({ level: 'silent', file, rotateBytes: 0, keep: 1 });
    opened.log.error({}, 'unseen');
    await opened.reopen();
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('tells of lost lines in the form of the others', () => {
    const line = JSON.parse(lostLine(new ManualClock(Date.UTC(2026, 0, 1)), 7)) as unknown;
    expect(line).to.deep.equal({
      level: 50,
      time: '2026-01-01T00:00:00.000Z',
      lost: 7,
      msg: 'log lines lost',
    });
  });
});
