import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LineLog } from '../../../src/audit/line-log.js';
import type { LineFile } from '../../../src/audit/rotated-file.js';
import { FileUnusable } from '../../../src/base/system-errors.js';
import { RecordedLog } from '../../support/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { systemError } from '../../support/system-error.js';

describe('An append-only file of lines', () => {
  let folder: string;
  let log: RecordedLog;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-lines-'));
    log = new RecordedLog();
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** @param change gives the calls that are made in the place of those of the file */
  const open = async (
    change: (file: LineFile) => Partial<LineFile> = () => ({}),
    queueBytes?: number,
  ): Promise<LineLog> =>
    await LineLog.open({
      name: 'audit log',
      folder,
      file: 'lines',
      lostLine: (lines) => `lost ${lines}`,
      log,
      clock: new ManualClock(),
      around: (file) => ({
        write: (bytes) => file.write(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
        ...change(file),
      }),
      ...(queueBytes === undefined ? {} : { queueBytes }),
    });

  const text = async (): Promise<string> => await readFile(join(folder, 'lines'), 'utf8');

  it('has every line, in order, when it is closed', async () => {
    const lines = await open();
    const wanted = Array.from({ length: 500 }, (_, index) => `line ${index}`);
    for (const line of wanted) lines.append(line);
    await lines.close();
    expect(await text()).to.equal(wanted.map((line) => `${line}\n`).join(''));
  });

  it('is fsynced after the last write and before it is let go of', async () => {
    const order: string[] = [];
    const lines = await open((file) => ({
      write: (bytes) => {
        order.push('write');
        return file.write(bytes);
      },
      sync: () => {
        order.push('fsync');
        return file.sync();
      },
      close: () => {
        order.push('close');
        return file.close();
      },
    }));
    lines.append('one');
    await lines.close();
    expect(order).to.deep.equal(['write', 'fsync', 'close']);
  });

  it('goes on behind what was there, and may be read by its owner only', async () => {
    const first = await open();
    first.append('one');
    await first.close();
    const second = await open();
    second.append('two');
    await second.close();
    expect(await text()).to.equal('one\ntwo\n');
    expect((await stat(join(folder, 'lines'))).mode & 0o777).to.equal(0o600);
  });

  it('begins a line of its own behind one that a kill has torn', async () => {
    await writeFile(join(folder, 'lines'), 'one\n{"ti');
    const lines = await open();
    lines.append('two');
    await lines.close();
    expect(await text()).to.equal('one\n{"ti\ntwo\n');
  });

  it('makes nobody wait: what does not fit is counted, and told of', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const lines = await open(
      (file) => ({
        write: async (bytes) => {
          await held;
          return await file.write(bytes);
        },
      }),
      20,
    );
    for (let index = 0; index < 10; index += 1) lines.append(`line ${index}`);
    expect(lines.lost).to.equal(8);
    release();
    await lines.close();
    expect(await text()).to.equal('line 0\nlost 8\nline 1\n');
    expect(lines.lost).to.equal(0);
  });

  it('has room again once something was written', async () => {
    const written: string[] = [];
    let onWrite = (): void => undefined;
    const lines = await open(
      (file) => ({
        write: async (bytes) => {
          const taken = await file.write(bytes);
          written.push(Buffer.from(bytes).toString());
          onWrite();
          return taken;
        },
      }),
      8,
    );
    for (const line of ['one', 'two', 'six']) {
      const next = new Promise<void>((resolve) => (onWrite = resolve));
      lines.append(line);
      await next;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await lines.close();
    expect(written).to.deep.equal(['one\n', 'two\n', 'six\n']);
  });

  it('counts a write that fails, tells of it with the next one, and logs it once', async () => {
    let failures = 2;
    let onWrite = (): void => undefined;
    const lines = await open((file) => ({
      write: async (bytes) => {
        setImmediate(onWrite);
        failures -= 1;
        if (failures >= 0) throw systemError('ENOSPC');
        return await file.write(bytes);
      },
    }));
    for (const line of ['one', 'two', 'three']) {
      const next = new Promise<void>((resolve) => (onWrite = resolve));
      lines.append(line);
      await next;
    }
    await lines.close();
    expect(await text()).to.equal('lost 2\nthree\n');
    const said = log.lines.filter(({ message }) => message === 'audit log not written');
    expect(said).to.have.lengthOf(1);
    expect(said[0]?.fields).to.deep.equal({ error: 'ENOSPC' });
  });

  it('keeps whole lines whole after a write that was cut off, and the next line by itself', async () => {
    let calls = 0;
    const lines = await open((file) => ({
      write: async (bytes) => {
        calls += 1;
        if (calls === 1) return await file.write(bytes.subarray(0, 2));
        if (calls === 2) throw systemError('EIO');
        return await file.write(bytes);
      },
    }));
    lines.append('first');
    await log.line('audit log not written');
    await new Promise((resolve) => setImmediate(resolve));
    lines.append('second');
    await lines.close();
    expect(await text()).to.equal('fi\nlost 1\nsecond\n');
  });

  it('is written to its end where the medium takes little at a time', async () => {
    const lines = await open((file) => ({
      write: (bytes) => file.write(bytes.subarray(0, 1)),
    }));
    lines.append('one');
    lines.append('two');
    await lines.close();
    expect(await text()).to.equal('one\ntwo\n');
  });

  it('takes nothing once it is closed, and may be closed again', async () => {
    const lines = await open();
    await lines.close();
    lines.append('late');
    await lines.close();
    expect(await text()).to.equal('');
  });

  it('may stand at an absolute path; where it cannot be opened, the message names the path and what would be right', async () => {
    const file = join(folder, 'elsewhere');
    const lines = await LineLog.open({ name: 'log', folder: '/nonexistent', file, lostLine: String, log });
    lines.append('one');
    await lines.close();
    expect(await readFile(file, 'utf8')).to.equal('one\n');
    await mkdir(join(folder, 'lines'));
    const error = await open().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(FileUnusable);
    expect((error as Error).message).to.equal(
      `the audit log ${join(folder, 'lines')} cannot be opened: it is a folder (EISDIR)`,
    );
  });
});
