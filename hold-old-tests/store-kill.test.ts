import { randomInt } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { expect } from 'chai';
import { StoreUnusable, type Json, type Store, type StoreRecord } from '../../src/store/store.js';
import { contentOf, keyOf, rejection } from '../contract/store-contract.js';
import { StoreFolder } from '../contract/store-folder.js';
import { childKey, workState } from './store-child.js';
import { StoreProcess } from './store-process.js';
import { seededFraction } from './store-seed.js';

describe('the store and processes that die', function () {
  this.timeout(30_000);
  let folder: StoreFolder;

  const expectOnlyRecords = async (): Promise<void> => {
    expect((await readdir(folder.records)).filter((name) => !name.endsWith('.record'))).to.deep.equal([]);
  };

  beforeEach(async () => {
    folder = await StoreFolder.make();
  });

  afterEach(async () => {
    await folder.dispose();
  });

  describe('the lock of the data folder', () => {
    it('refuses a second process in either direction, and lets it in after the first has closed', async () => {
      const child = new StoreProcess('hold', folder.path);
      expect(await child.line()).to.equal('OPEN');
      const error = await rejection(folder.open());
      expect(error).to.be.instanceOf(StoreUnusable);
      expect(error).to.have.property('message').that.includes('owned by another process');
      child.endInput();
      expect(await child.exit()).to.equal(null);
      await folder.open();
      const second = new StoreProcess('hold', folder.path);
      expect(await second.line()).to.equal('StoreUnusable');
      await second.exit();
    });

    it('is not held by a process that was killed', async () => {
      const child = new StoreProcess('hold', folder.path);
      expect(await child.line()).to.equal('OPEN');
      child.kill();
      expect(await child.exit()).to.equal('SIGKILL');
      expect((await readdir(folder.path)).some((name) => name.endsWith('.sock'))).to.equal(true);
      await folder.open();
      await folder.closeAll();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['format', 'records']);
    });

    it('goes to exactly one of several processes that start at once on what a killed one left', async () => {
      const dead = new StoreProcess('hold', folder.path);
      expect(await dead.line()).to.equal('OPEN');
      dead.kill();
      await dead.exit();
      const children = Array.from({ length: 4 }, () => new StoreProcess('hold', folder.path));
      const said = await Promise.all(children.map((child) => child.line()));
      expect(said.sort()).to.deep.equal(['OPEN', 'StoreUnusable', 'StoreUnusable', 'StoreUnusable']);
      for (const child of children) child.endInput();
      for (const child of children) expect(await child.exit()).to.equal(null);
    });
  });

  describe('SIGKILL at a call', () => {
    const deaths = [
      ...['create', 'write', 'fsync', 'close', 'rename', 'fsyncFolder'].map(
        (call) => ['replace', call] as const,
      ),
      ...['unlink', 'fsyncFolder'].map((call) => ['remove', call] as const),
    ];
    for (const [act, call] of deaths) {
      for (const when of ['before', 'after']) {
        it(`${when} ${call}, when it was to ${act}, leaves the old state or the new one, whole`, async () => {
          const store = await folder.open();
          await store.commit(childKey, 'absent', contentOf('old', ['old']));
          await store.commit(keyOf('other'), 'absent', contentOf('untouched'));
          await folder.closeAll();

          const child = new StoreProcess('die', folder.path, act, call, when);
          expect(await child.rest()).to.deep.equal([]);
          expect(await child.exit()).to.equal('SIGKILL');

          const again = await folder.open();
          const done = call === 'fsyncFolder' || (when === 'after' && ['rename', 'unlink'].includes(call));
          const record = await again.get(childKey);
          expect(record?.data).to.equal(!done ? 'old' : act === 'remove' ? undefined : 'new');
          expect(again.keyOfName('old')).to.equal(done ? undefined : childKey);
          expect((await again.get(keyOf('other')))?.data).to.equal('untouched');
          await expectOnlyRecords();
        });
      }
    }
  });

  describe('SIGKILL at random moments of a process that commits without end', () => {
    const seed = Number(process.env['MCGMS_TEST_SEED'] ?? randomInt(2 ** 31));

    const recordsOf = async (store: Store<Json>): Promise<readonly StoreRecord<Json>[]> => {
      const records: StoreRecord<Json>[] = [];
      for (const key of [...store.keys()].sort()) {
        const record = await store.get(key);
        if (record !== undefined) records.push(record);
      }
      return records;
    };

    /** The sequence number whose state the store shows: the acknowledged one or the one behind it. */
    const settledAt = async (store: Store<Json>, key: string, acknowledged: number): Promise<number> => {
      const record = await store.get(keyOf(key));
      for (const sequence of [acknowledged, acknowledged + 1]) {
        const state = workState(key, sequence);
        if (
          state === 'absent'
            ? record === undefined
            : JSON.stringify(record?.data) === JSON.stringify(state.data)
        ) {
          if (state !== 'absent') {
            expect(record).to.deep.include(state);
            expect(state.names.map((name) => store.keyOfName(name))).to.deep.equal([key]);
          }
          return sequence;
        }
      }
      throw new Error(
        `seed ${seed}: ${key} was acknowledged at ${acknowledged} and holds ${JSON.stringify(record)}`,
      );
    };

    it(`loses nothing that was acknowledged (seed ${seed})`, async () => {
      const fraction = seededFraction(seed);
      let settled: readonly StoreRecord<Json>[] = [];
      for (let round = 0; round < 12; round += 1) {
        const child = new StoreProcess('work', folder.path, `round ${round}`);
        const acknowledged = new Map<string, number>();
        const note = (line: string): void => {
          const [, key = '', sequence = ''] = /^(.*) (\d+)$/.exec(line) ?? [];
          acknowledged.set(key, Number(sequence));
        };
        for (let lines = Math.floor(fraction() * 120); lines > 0; lines -= 1)
          note((await child.line()) ?? '');
        child.kill();
        for (const line of await child.rest()) note(line);
        expect(await child.exit()).to.equal('SIGKILL');

        const store = await folder.open();
        for (let n = 0; n < 8; n += 1) {
          const key = `round ${round}-${n}`;
          await settledAt(store, key, acknowledged.get(key) ?? -1);
        }
        const records = await recordsOf(store);
        const earlier = records.filter(({ key }) => !key.startsWith(`round ${round}-`));
        expect(earlier, `seed ${seed}: records of earlier rounds`).to.deep.equal(settled);
        settled = records;
        await expectOnlyRecords();
        await folder.closeAll();
      }
      expect(settled, 'some records must have come out of this').not.to.deep.equal([]);
    });
  });
});
