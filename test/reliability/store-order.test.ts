import { expect } from 'chai';
import { StoreFolder } from '../contract/store-folder.js';
import { callsOf, requireOrder, TracedProcess, needsStrace, type SystemCall } from '../support/strace.js';
import { childScript } from './store-process.js';

/**
 * LMDB writes the pages, calls fdatasync, and then writes the meta page, which makes the change visible, through a
 * descriptor opened with O_DSYNC. A killed process cannot show that a sync is missing; the order of the calls can.
 */

const writes = ['write', 'pwrite64', 'writev', 'pwritev'];
const ofStore = /^\d+<[^>]*\/store\.mdb>/;
/** The meta pages are the first two of the file; LMDB writes 128 octets of one behind its 40 octets of head. */
const ofMeta = /^(\d+)<[^>]*\/store\.mdb>, .*, 128, (?:40|4136)$/s;

function inHexadecimal(text: string): string {
  return [...Buffer.from(text)].map((octet) => `\\x${octet.toString(16).padStart(2, '0')}`).join('');
}

function withText(calls: readonly SystemCall[], text: string): SystemCall {
  const found = calls.find(
    ({ arguments: args }) => args.includes(`"${text}\\n"`) || args.includes(inHexadecimal(text)),
  );
  if (found === undefined) throw new Error(`nothing writes ${text}`);
  return found;
}

function firstBehind(calls: readonly SystemCall[], { ended }: SystemCall, what: string): SystemCall {
  const found = calls.find(({ began }) => began > ended);
  if (found === undefined) throw new Error(`no ${what} behind line ${ended}`);
  return found;
}

describe('the order of system calls in the store', function () {
  this.timeout(60_000);
  let folder: StoreFolder;

  before(function () {
    needsStrace(this);
  });

  beforeEach(async () => {
    folder = await StoreFolder.make();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  const trace = async (...args: readonly string[]): Promise<readonly SystemCall[]> => {
    const [mode = '', ...rest] = args;
    const names = ['openat', 'fdatasync', ...writes];
    const child = await TracedProcess.start(childScript, [mode, folder.path, ...rest], names, {
      whole: true,
    });
    child.child.stdout?.resume();
    const { exitCode, trace: calls } = await child.finish();
    expect(exitCode).to.equal(0);
    return calls;
  };

  const numbersOfSyncedDescriptors = (calls: readonly SystemCall[]): readonly string[] =>
    callsOf(calls, ['openat'], /O_DSYNC/).map(({ result = '' }) => /^\d+/.exec(result)?.[0] ?? '');

  for (const writers of [1, 64]) {
    it(`is: pages, fdatasync, meta page with O_DSYNC, acknowledgement, of each commit of ${writers} writers`, async () => {
      const calls = await trace('many', String(writers));
      const pages = callsOf(calls, writes, ofStore).filter((call) => !ofMeta.test(call.arguments));
      const syncs = callsOf(calls, ['fdatasync'], ofStore);
      const metas = callsOf(calls, writes, ofMeta);
      const said = callsOf(calls, ['write'], /^1</);
      for (let writer = 0; writer < writers; writer += 1) {
        for (let sequence = 0; sequence < 5; sequence += 1) {
          const key = `${writer}-${sequence}`;
          const page = withText(pages, `<${key}> <${key}>`);
          const sync = firstBehind(syncs, page, 'fdatasync');
          const meta = firstBehind(metas, sync, 'write of a meta page');
          requireOrder([
            ['write of the pages', page],
            ['fdatasync', sync],
            ['write of the meta page', meta],
            ['acknowledgement', withText(said, `ACK ${key}`)],
          ]);
        }
      }
      for (const { arguments: args } of metas) {
        expect(ofMeta.exec(args)?.[1]).to.be.oneOf(numbersOfSyncedDescriptors(calls));
      }
      if (writers > 1) expect(syncs.length, 'many commits share a sync').to.be.below(writers);
    });
  }

  it('is the same for a removal', async () => {
    await trace('once');
    const calls = await trace('remove');
    const said = withText(callsOf(calls, ['write'], /^1</), 'ACK');
    const before = callsOf(calls, ['fdatasync', ...writes], ofStore).filter(
      ({ ended }) => ended < said.began,
    );
    const [page, sync, meta] = before.slice(-3);
    if (!page || !sync || !meta) throw new Error('calls are missing');
    expect([page.name, sync.name, ofMeta.test(meta.arguments)]).to.deep.equal([
      'pwrite64',
      'fdatasync',
      true,
    ]);
    requireOrder([
      ['write of the pages', page],
      ['fdatasync', sync],
      ['write of the meta page', meta],
      ['acknowledgement', said],
    ]);
  });
});
