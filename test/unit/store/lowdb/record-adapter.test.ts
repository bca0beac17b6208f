import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { DurableFolder } from '../../../../src/store/lowdb/durable-folder.js';
import { RecordAdapter } from '../../../../src/store/lowdb/record-adapter.js';
import { recordFileName } from '../../../../src/store/lowdb/record-format.js';
import { keyOf, rejection } from '../../../contract/store-contract.js';
import type { WatchedCalls } from '../watched-calls.js';
import { watchedFolder, type WatchedFolder } from '../watched-folder.js';

describe('The lowdb adapter of a record', () => {
  let watched: WatchedFolder;
  let path: string;
  let calls: WatchedCalls;
  let folder: DurableFolder;
  const key = keyOf('k');
  const record = { key, revision: 1, names: [], terms: [], data: 'x' };

  beforeEach(async () => {
    watched = await watchedFolder();
    ({ path, calls, folder } = watched);
  });

  afterEach(async () => {
    await watched.dispose();
  });

  it('reads null where there is no file, and what was written where there is', async () => {
    const file = new RecordAdapter<string>(folder, recordFileName(key));
    expect(await file.read()).to.equal(null);
    await file.write(record);
    const size = (await readFile(join(path, recordFileName(key)))).length;
    expect(file.length).to.equal(size);
    const again = new RecordAdapter<string>(folder, recordFileName(key));
    expect(await again.read()).to.deep.equal(record);
    expect(again.length).to.equal(size);
  });

  it('removes the file for null', async () => {
    const file = new RecordAdapter<string>(folder, recordFileName(key));
    await file.write(record);
    await file.write(null);
    expect(await file.read()).to.equal(null);
  });

  it('passes on an error of reading other than absence', async () => {
    calls.fail('read', 'EIO');
    expect(await rejection(new RecordAdapter(folder, recordFileName(key)).read())).to.have.property(
      'code',
      'EIO',
    );
  });
});
