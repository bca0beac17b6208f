import { expect } from 'chai';
import { recordFileName } from '../../src/store/lowdb/record-format.js';
import { StoreFolder } from '../contract/store-folder.js';
import {
  callsOf,
  onlyCallOf,
  parseTrace,
  requireOrder,
  TracedProcess,
  whyNoStrace,
} from '../support/strace.js';
import { childKey } from './store-child.js';
import { childScript } from './store-process.js';

const writes = ['write', 'pwrite64', 'writev', 'pwritev'];
const fsyncs = ['fsync', 'fdatasync'];
const renames = ['rename', 'renameat', 'renameat2'];
const unlinks = ['unlink', 'unlinkat'];
const traced = ['openat', ...writes, ...fsyncs, ...renames, ...unlinks];

describe('parseTrace', () => {
  it('puts the two halves of an interrupted call together and keeps both places', () => {
    const trace = parseTrace(
      [
        '10 execve("/bin/x", ["x"], 0x1 /* 3 vars */) = 0',
        '11 fsync(21</data/a.tmp> <unfinished ...>',
        '10 write(1<pipe:[7]>, "a)b = c", 7) = 7',
        '11 <... fsync resumed>)              = 0',
        '12 rename("/data/a.tmp", "/data/a" <unfinished ...>',
        '11 +++ exited with 0 +++',
      ].join('\n'),
    );
    expect(trace.map(({ name, began, ended, result }) => [name, began, ended, result])).to.deep.equal([
      ['execve', 0, 0, '0'],
      ['fsync', 1, 3, '0'],
      ['write', 2, 2, '7'],
      ['rename', 4, Infinity, undefined],
    ]);
    expect(trace[1]?.arguments).to.equal('21</data/a.tmp>');
    expect(trace[2]?.arguments).to.equal('1<pipe:[7]>, "a)b = c", 7');
  });

  it('sees calls out of order, overlapping ones and failed ones', () => {
    const [first, second, failed, overlapping] = parseTrace(
      [
        '1 fsync(3) = 0',
        '1 fsync(4) = 0',
        '1 fsync(5) = -1 EIO (x)',
        '1 fsync(6 <unfinished ...>',
        '2 a() = 0',
        '1 <... fsync resumed>) = 0',
      ].join('\n'),
    );
    const last = { ...onlyCallOf(parseTrace('2 a() = 0'), ['a'], /^/), began: 4, ended: 4 };
    if (!first || !second || !failed || !overlapping) throw new Error('calls are missing');
    requireOrder([
      ['a', first],
      ['b', second],
    ]);
    expect(() => {
      requireOrder([
        ['b', second],
        ['a', first],
      ]);
    }).to.throw('began before');
    expect(() => {
      requireOrder([
        ['c', failed],
        ['d', overlapping],
      ]);
    }).to.throw('did not succeed');
    expect(() => {
      requireOrder([
        ['d', overlapping],
        ['e', last],
      ]);
    }).to.throw('began before');
  });
});

describe('the order of system calls in the store', function () {
  this.timeout(20_000);
  let folder: StoreFolder;

  before(function () {
    const reason = whyNoStrace();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
  });

  beforeEach(async () => {
    folder = await StoreFolder.make();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  const trace = async (mode: string): Promise<ReturnType<typeof parseTrace>> => {
    const child = await TracedProcess.start(childScript, [mode, folder.path], traced);
    child.child.stdout?.resume();
    const { exitCode, trace: calls } = await child.finish();
    expect(exitCode).to.equal(0);
    return calls;
  };

  it('is: write, fsync and rename of the file, fsync of the folder, acknowledgement', async () => {
    const calls = await trace('once');
    const temporary = new RegExp(`${recordFileName(childKey)}\\.[\\w-]+\\.tmp`);
    const rename = onlyCallOf(calls, renames, temporary);
    const [, from, to] = /^"(.*)", "(.*)"$/.exec(rename.arguments) ?? [];
    expect(from).to.match(temporary);
    expect(to?.endsWith(`/records/${recordFileName(childKey)}`)).to.equal(true);
    const acknowledgement = onlyCallOf(calls, writes, /^1<.*"ACK\\n"/);
    const folderFsync = callsOf(calls, fsyncs, /^\d+<[^>]*\/records>$/).find(
      ({ began }) => began > rename.ended,
    );
    if (folderFsync === undefined) throw new Error('the records folder is not fsynced after the rename');
    requireOrder([
      ['write of the temporary file', onlyCallOf(calls, writes, temporary)],
      ['fsync of the temporary file', onlyCallOf(calls, fsyncs, temporary)],
      ['rename to the record', rename],
      ['fsync of the folder', folderFsync],
      ['acknowledgement', acknowledgement],
    ]);
  });

  it('is: unlink of the file, fsync of the folder, acknowledgement of a removal', async () => {
    await trace('once');
    const calls = await trace('remove');
    const unlink = onlyCallOf(calls, unlinks, new RegExp(`${recordFileName(childKey)}"`));
    const folderFsync = callsOf(calls, fsyncs, /^\d+<[^>]*\/records>$/).find(
      ({ began }) => began > unlink.ended,
    );
    if (folderFsync === undefined) throw new Error('the records folder is not fsynced after the unlink');
    requireOrder([
      ['unlink of the record', unlink],
      ['fsync of the folder', folderFsync],
      ['acknowledgement', onlyCallOf(calls, writes, /^1<.*"ACK\\n"/)],
    ]);
  });
});
