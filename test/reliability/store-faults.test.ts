import { expect } from 'chai';
import { StoreFolder } from '../contract/store-folder.js';
import { Command } from '../support/command.js';
import { TracedProcess, needsStrace } from '../support/strace.js';
import { keyOf } from '../contract/store-contract.js';
import { stepContent } from './store-child.js';
import { childScript } from './store-process.js';

/**
 * Each system call with which LMDB writes fails, or is the last of its process, in turn. strace's injection counts the
 * calls of each thread for itself, so the process has one thread for them.
 */

const calls = ['fdatasync', 'pwrite64', 'writev', 'pwritev'];

/** How many records are put. */
const steps = 3;

interface Outcome {
  readonly said: readonly string[];
  readonly exitCode: number | null;
  /** How often each call was made. */
  readonly made: ReadonlyMap<string, number>;
}

describe('the store and system calls that fail', function () {
  this.timeout(300_000);
  let folder: StoreFolder;
  const made = new Map<string, number>();

  const run = async (inject?: string): Promise<Outcome> => {
    const file = `${folder.path}/store.mdb`;
    const args = ['steps', folder.path, String(steps)];
    const traced = await TracedProcess.start(childScript, args, calls, { file, ...(inject && { inject }) });
    const command = new Command(traced.child);
    const exitCode = await command.exit();
    const { trace } = await traced.finish();
    const counts = new Map<string, number>();
    for (const { name } of trace) counts.set(name, (counts.get(name) ?? 0) + 1);
    return { said: command.output.split('\n').filter((line) => line !== ''), exitCode, made: counts };
  };

  before(async function () {
    needsStrace(this);
    folder = await StoreFolder.make();
    await folder.open();
    await folder.closeAll();
    for (const [name, count] of (await run()).made) made.set(name, count);
    await folder.dispose();
    expect([...made.keys()]).to.include.members(['fdatasync', 'pwrite64', 'writev']);
  });

  /** Does it with each of the calls, each time in a new store, and judges what is there afterwards. */
  const each = async (fault: string, judge: (outcome: Outcome, place: string) => void): Promise<void> => {
    for (const [name, count] of made) {
      for (let when = 1; when <= count; when += 1) {
        const place = `${name} number ${when} of ${count}`;
        folder = await StoreFolder.make();
        await folder.open();
        await folder.closeAll();
        const outcome = await run(`${name}:${fault}:when=${when}`);
        judge(outcome, `${place}: ${outcome.said.join(', ')}`);
        const acknowledged = numbersOf(outcome.said, 'ACK');
        const store = await folder.open({ wait: () => Promise.resolve() });
        for (let number = 0; number < steps; number += 1) {
          const record = await store.get(keyOf(`step ${number}`));
          const { data, names } = stepContent(number);
          if (acknowledged.includes(number)) expect(record?.data, `${place}: ${number}`).to.equal(data);
          else expect(record?.data ?? data, `${place}: ${number}`).to.equal(data);
          if (record !== undefined) expect(await store.keyOfName(names[0] ?? '')).to.equal(record.key);
        }
        await folder.dispose();
      }
    }
  };

  it('EIO: nothing is written until restart, nothing acknowledged is lost, readers keep what was before', async () => {
    let failures = 0;
    await each('error=EIO', ({ said, exitCode }, place) => {
      expect(exitCode, place).to.equal(0);
      if (said.includes('UNUSABLE')) return;
      expect(said.at(-1), place).to.equal('CLOSED');
      const first = said.findIndex((line) => line.startsWith('FAILED'));
      // The last calls are those of closing.
      if (first < 0) return;
      failures += 1;
      for (const line of said.slice(first)) expect(line, place).not.to.match(/^ACK|^FULL|\d writable$/);
      expect(said.filter((line) => line.startsWith('FAILED')).at(-1), place).to.include('not writable');
      expect(numbersOf(said, 'READ'), place).to.deep.equal(numbersOf(said, 'ACK'));
      expect(
        said.filter((line) => line.endsWith('false')),
        place,
      ).to.deep.equal([]);
    });
    expect(failures).to.be.above(0);
  });

  it('ENOSPC: that commit fails for want of room, and the next ones succeed', async () => {
    let full = 0;
    await each('error=ENOSPC', ({ said, exitCode }, place) => {
      expect(exitCode, place).to.equal(0);
      if (said.includes('UNUSABLE')) return;
      expect(numbersOf(said, 'READ'), place).to.deep.equal(numbersOf(said, 'ACK'));
      // At the meta page LMDB gives up altogether.
      if (said.some((line) => line.startsWith('FAILED'))) return;
      const refused = said.filter((line) => line.startsWith('FULL'));
      expect(
        refused.every((line) => /\d writable$/.test(line)),
        place,
      ).to.equal(true);
      expect(numbersOf(said, 'ACK'), place).to.have.length(steps - refused.length);
      full += refused.length;
    });
    expect(full).to.be.above(0);
  });

  it('SIGKILL: what was acknowledged is there, and anything else wholly or not at all', async () => {
    await each('signal=KILL', ({ said }, place) => {
      expect(said, place).not.to.include('CLOSED');
    });
  });
});

function numbersOf(said: readonly string[], word: string): readonly number[] {
  return said.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]));
}
