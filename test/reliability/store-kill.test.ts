import { readdir, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { StoreUnusable, type Json, type Store, type StoreRecord } from '../../src/store/store.js';
import { contentOf, keyOf, rejection } from '../contract/store-contract.js';
import { StoreFolder } from '../contract/store-folder.js';
import { seed } from '../support/seed.js';
import { seededFraction } from '../support/seeded-fraction.js';
import { workState } from './store-child.js';
import { StoreProcess } from './store-process.js';
import { allKeys, keysOfTerm } from '../support/store-lists.js';

const owned = 'owned by another process';

describe('the store and processes that die', function () {
  this.timeout(60_000);
  let folder: StoreFolder;

  const locks = async (): Promise<readonly string[]> =>
    (await readdir(folder.path)).filter((name) => name.endsWith('.sock'));

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
      expect(error).to.have.property('message').that.includes(owned);
      child.endInput();
      expect(await child.exit()).to.equal(null);
      await folder.open();
      const second = new StoreProcess('hold', folder.path);
      expect(await second.line()).to.equal('StoreUnusable');
      await second.exit();
    });

    it('is not held by a process that was killed, and nobody waits for that one', async () => {
      const child = new StoreProcess('hold', folder.path);
      expect(await child.line()).to.equal('OPEN');
      child.kill();
      expect(await child.exit()).to.equal('SIGKILL');
      expect(await locks()).to.have.length(1);
      await folder.open({ wait: () => Promise.reject(new Error('waited')) });
      await folder.closeAll();
      expect((await readdir(folder.path)).sort()).to.deep.equal(['format', 'store.mdb', 'store.mdb-lock']);
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

    for (const taken of [['lock-*.sock'], ['lock-*.sock', 'store.mdb-lock']]) {
      it(`is kept by a living process from which ${taken.join(' and ')} were taken away`, async () => {
        const child = new StoreProcess('hold', folder.path);
        expect(await child.line()).to.equal('OPEN');
        const [lock = ''] = await locks();
        await rm(join(folder.path, lock));
        if (taken.length > 1) await rm(join(folder.path, 'store.mdb-lock'));
        // The owner looks each second; whoever opens the folder waits three.
        const wait = async (milliseconds: number): Promise<void> => {
          expect(milliseconds).to.equal(3000);
          while (!(await locks()).some((name) => name.startsWith('lock--'))) await setTimeout(20);
        };
        const error = await rejection(folder.open({ wait, check: false }));
        expect(error).to.be.instanceOf(StoreUnusable);
        expect(error).to.have.property('message').that.includes(owned);
        expect(await locks(), 'the owner has its folder again').to.have.length(1);
        child.endInput();
        expect(await child.exit()).to.equal(null);
        await folder.open({ wait: () => Promise.reject(new Error('waited')) });
      });
    }

    it('is taken anew before the next commit, where its file is gone', async () => {
      const store = await folder.open();
      const [lock = ''] = await locks();
      await rm(join(folder.path, lock));
      await store.commit(keyOf('k'), 'absent', contentOf('new'));
      expect((await locks()).map((name) => name.startsWith('lock--'))).to.deep.equal([true]);
      const second = new StoreProcess('hold', folder.path);
      expect(await second.line()).to.equal('StoreUnusable');
      await second.exit();
    });
  });

  describe('SIGKILL at random moments of a process that commits without end', () => {
    const recordsOf = async (store: Store<Json>): Promise<readonly StoreRecord<Json>[]> => {
      const records: StoreRecord<Json>[] = [];
      for (const key of (await allKeys(store)).sort()) {
        const record = await store.get(key);
        if (record !== undefined) records.push(record);
      }
      return records;
    };

    /** Checks that the store shows the state that was acknowledged last, or the one behind it. */
    const expectSettled = async (store: Store<Json>, key: string, acknowledged: number): Promise<void> => {
      const record = await store.get(keyOf(key));
      const isAt = async (sequence: number): Promise<boolean> => {
        const state = workState(key, sequence);
        if (state === 'absent') return record === undefined;
        if (JSON.stringify(record?.data) !== JSON.stringify(state.data)) return false;
        for (const name of state.names) expect(await store.keyOfName(name)).to.equal(key);
        for (const term of state.terms) expect(await keysOfTerm(store, term)).to.include(keyOf(key));
        return true;
      };
      const settled = (await isAt(acknowledged)) || (await isAt(acknowledged + 1));
      expect(settled, `seed ${seed}: ${key} was acknowledged at ${acknowledged}`).to.equal(true);
    };

    it(`loses nothing that was acknowledged (seed ${seed})`, async () => {
      const fraction = seededFraction(seed);
      let settled: readonly StoreRecord<Json>[] = [];
      for (let round = 0; round < 12; round += 1) {
        const child = new StoreProcess('work', folder.path, `round ${round}`, '8');
        const acknowledged = new Map<string, number>();
        const note = (line: string): void => {
          const [, key = '', sequence = ''] = /^(.*) (\d+)$/.exec(line) ?? [];
          acknowledged.set(key, Number(sequence));
        };
        for (let lines = Math.floor(fraction() * 200); lines > 0; lines -= 1)
          note((await child.line()) ?? '');
        child.kill();
        for (const line of await child.rest()) note(line);
        expect(await child.exit()).to.equal('SIGKILL');

        // Every fourth time with the check that a server makes at its start.
        const store = await folder.open({ check: round % 4 === 0 });
        for (let n = 0; n < 8; n += 1) {
          const key = `round ${round}-${n}`;
          await expectSettled(store, key, acknowledged.get(key) ?? -1);
        }
        const records = await recordsOf(store);
        const earlier = records.filter(({ key }) => !key.startsWith(`round ${round}-`));
        expect(earlier, `seed ${seed}: records of earlier rounds`).to.deep.equal(settled);
        settled = records;
        await folder.closeAll();
      }
      expect(settled, 'some records must have come out of this').not.to.deep.equal([]);
    });
  });
});
