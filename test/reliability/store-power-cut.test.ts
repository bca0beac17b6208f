import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkFile } from '../../src/store/lmdb/check-process.js';
import { keyOf } from '../contract/store-contract.js';
import { StoreFolder } from '../contract/store-folder.js';
import { seed } from '../support/seed.js';
import { seededFraction } from '../support/seeded-fraction.js';
import { TracedProcess, needsStrace, type SystemCall } from '../support/strace.js';
import { workState } from './store-child.js';
import { childScript } from './store-process.js';

/**
 * Power cuts, played from a trace. A process commits and removes; strace writes down each octet that it writes and
 * each sync. From that follows what the disk may hold at any moment: all that was written before the last fdatasync
 * began, all that went through a descriptor with O_DSYNC, and of everything else each sector for itself or not. That
 * is more than any file system does, so what survives this survives all.
 */

const sector = 512;
const workers = 4;
const states = 12;
const cuts = 25;

interface Writing {
  readonly began: number;
  readonly ended: number;
  readonly at: number;
  readonly bytes: Buffer;
  /** Whether it is on disk when it has ended. */
  readonly synced: boolean;
}

interface Played {
  readonly before: Buffer;
  readonly writings: readonly Writing[];
  readonly syncs: readonly SystemCall[];
  /** What was acknowledged: key, sequence number, and when it was said. */
  readonly said: readonly (readonly [key: string, sequence: number, began: number])[];
  readonly length: number;
}

/** The octets of a text as `strace -x` prints it. */
function octetsOf(printed: string): Buffer {
  const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12 };
  const octets: number[] = [];
  for (const [, hexadecimal, escaped, plain] of printed.matchAll(/\\x(..)|\\(\d{1,3}|.)|([^\\])/gs)) {
    if (hexadecimal !== undefined) octets.push(parseInt(hexadecimal, 16));
    else if (escaped === undefined) octets.push((plain ?? '').charCodeAt(0));
    else if (/^\d/.test(escaped)) octets.push(parseInt(escaped, 8));
    else octets.push(escapes[escaped] ?? escaped.charCodeAt(0));
  }
  return Buffer.from(octets);
}

function play(before: Buffer, trace: readonly SystemCall[]): Played {
  const writings: Writing[] = [];
  const syncs: SystemCall[] = [];
  const said: [string, number, number][] = [];
  const synced = new Set<string>();
  const places = new Map<string, number>();
  let length = 0;
  for (const call of trace) {
    const { name, arguments: args, result = '', began, ended } = call;
    length = Math.max(length, began + 1);
    const descriptor = /^(\d+)</.exec(args)?.[1] ?? '';
    const texts = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, text = '']) => text);
    if (name === 'openat' && args.includes('O_DSYNC')) synced.add(/^\d+/.exec(result)?.[0] ?? '');
    else if (name === 'write' && descriptor === '1') {
      const [, key = '', sequence = ''] = /^(.*) (\d+)\n$/.exec(octetsOf(texts[0] ?? '').toString()) ?? [];
      said.push([key, Number(sequence), began]);
    } else if (!args.includes('/store.mdb>')) continue;
    else if (name === 'lseek') places.set(descriptor, Number(result));
    else if (name === 'fdatasync') syncs.push(call);
    else if (name.includes('write')) {
      const bytes = Buffer.concat(texts.map(octetsOf));
      const offset = /, (\d+)$/.exec(args)?.[1];
      const at = name === 'writev' ? (places.get(descriptor) ?? NaN) : Number(offset);
      writings.push({ began, ended, at, bytes, synced: synced.has(descriptor) });
    }
  }
  return { before, writings, syncs, said, length };
}

/** What the disk holds after a cut at `moment`. */
function afterCut(
  { before, writings, syncs }: Played,
  moment: number,
  fraction: () => number,
  syncWorks: boolean,
): Buffer {
  const started = writings.filter(({ began }) => began < moment);
  const size = Math.max(before.length, ...started.map(({ at, bytes }) => at + bytes.length));
  const content = Buffer.alloc(size);
  before.copy(content);
  const lastSync = syncs.filter(({ ended }) => ended < moment).at(-1)?.began ?? -1;
  for (const { ended, at, bytes, synced } of started) {
    const certain = synced ? ended < moment : syncWorks && ended < lastSync;
    // The sectors of the file, not of the write.
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(bytes.length, from + sector - ((at + from) % sector));
      if (certain || fraction() < 0.5) bytes.copy(content, at + from, from, to);
      from = to;
    }
  }
  return content;
}

describe('the store and power cuts', function () {
  this.timeout(120_000);
  let folder: StoreFolder;
  let played: Played;

  before(async function () {
    needsStrace(this);
    folder = await StoreFolder.make();
    await folder.open();
    await folder.closeAll();
    const file = await readFile(join(folder.path, 'store.mdb'));
    const calls = ['openat', 'lseek', 'write', 'pwrite64', 'writev', 'pwritev', 'fdatasync'];
    const args = ['work', folder.path, 'key', String(workers), String(states)];
    const traced = await TracedProcess.start(childScript, args, calls, { whole: true });
    traced.child.stdout?.resume();
    const { exitCode, trace } = await traced.finish();
    expect(exitCode).to.equal(0);
    played = play(file, trace);
    expect(played.said).to.have.length(workers * states);
  });

  after(async () => {
    await (folder as StoreFolder | undefined)?.dispose();
  });

  /** A moment while the process works. */
  const momentOf = (fraction: () => number): number => {
    const first = played.writings[0]?.began ?? 0;
    return first + Math.floor(fraction() * (played.length - first));
  };

  it('are played from a true trace: uncut, it gives the file that is there', async () => {
    const file = await readFile(join(folder.path, 'store.mdb'));
    const always = (): number => 0;
    expect(afterCut(played, played.length + 1, always, true).equals(file)).to.equal(true);
  });

  it(`lose nothing that was acknowledged, and the store opens again (seed ${seed})`, async () => {
    const fraction = seededFraction(seed);
    for (let cut = 0; cut < cuts; cut += 1) {
      const moment = momentOf(fraction);
      const place = `seed ${seed}, cut ${cut} at ${moment} of ${played.length}`;
      await writeFile(join(folder.path, 'store.mdb'), afterCut(played, moment, fraction, true));
      // What the cut leaves can be judged in this process only because it is whole.
      const check = cut % 5 === 0;
      const store = await folder.open({ check, wait: () => Promise.resolve() });
      for (let n = 0; n < workers; n += 1) {
        const key = `key-${n}`;
        const last = played.said.filter(([of, , began]) => of === key && began < moment).at(-1)?.[1] ?? -1;
        const record = await store.get(keyOf(key));
        const isAt = (sequence: number): boolean => {
          const state = workState(key, sequence);
          if (state === 'absent' || sequence >= states) return record === undefined && state === 'absent';
          return JSON.stringify(record?.data) === JSON.stringify(state.data);
        };
        expect(isAt(last) || isAt(last + 1), `${place}: ${key} at ${last}`).to.equal(true);
        for (const name of record?.names ?? []) expect(await store.keyOfName(name), place).to.equal(key);
      }
      await folder.closeAll();
    }
  });

  it(`would catch a disk whose fdatasync does nothing (seed ${seed})`, async () => {
    const fraction = seededFraction(seed);
    const findings: string[] = [];
    for (let cut = 0; cut < 5; cut += 1) {
      const file = join(folder.path, 'store.mdb');
      await writeFile(file, afterCut(played, momentOf(fraction), fraction, false));
      findings.push(...(await checkFile(file, 'full')));
    }
    expect(findings).not.to.deep.equal([]);
  });
});
