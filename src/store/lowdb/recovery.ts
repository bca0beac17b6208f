import { dirname, join } from 'node:path';
import { errorCode, type FileCalls } from '../file-calls.js';
import { StoreUnusable, type RecordKey } from '../store.js';
import { DurableFolder, targetOfTemporary, type DurableFolderOptions } from './durable-folder.js';
import { DamagedRecord, decodeRecord, isRecordFileName } from './record-format.js';

/**
 * What happens between the lock and the first commit: every file is read and judged before anything is
 * changed, so that damage is found with the evidence intact. A data folder counts as a store from the moment
 * its `format` file is there, which is made last: a folder without it is new only if it holds no records,
 * and one with it must have its records folder. A record's file that was
 * taken away whole cannot be noticed.
 *
 * The folders are fsynced before the store opens. A killed process may have renamed a file without
 * having got to the fsync; from now on readers see that file, so it has to last.
 */

const FORMAT_FILE = 'format';
const FORMAT = 'mcgms-store 1\n';
const RECORDS = 'records';

/** How many files are read at a time. */
const READERS = 16;

/** How much of an unknown format file is shown, in characters. */
const SHOWN = 40;

/** A record as the indexes know it. */
export interface FoundRecord {
  readonly key: RecordKey;
  readonly revision: number;
  readonly names: readonly string[];
  readonly terms: readonly string[];
  readonly file: string;
}

/** A data folder that was found whole. */
export interface RecoveredFolder {
  readonly records: DurableFolder;
  readonly found: readonly FoundRecord[];
}

async function fsyncPath(calls: FileCalls, path: string): Promise<void> {
  const descriptor = await calls.openFolder(path);
  try {
    await calls.fsyncFolder(descriptor);
  } finally {
    await calls.close(descriptor);
  }
}

/**
 * Creates a folder, and those above it, where they are absent; it is on disk then. A folder that is
 * there may stem from a process that was killed before its fsync, so its parent is fsynced too, unless
 * this process may not open it.
 */
export async function ensureFolder(calls: FileCalls, path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await calls.makeFolder(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') {
      await fsyncPath(calls, parent).catch((reason: unknown) => {
        if (errorCode(reason) !== 'EACCES') throw reason;
      });
      return;
    }
    if (code !== 'ENOENT' || parent === path) throw error;
    await ensureFolder(calls, parent);
    await calls.makeFolder(path);
  }
  await fsyncPath(calls, parent);
}

async function readFormat(calls: FileCalls, path: string): Promise<string | undefined> {
  try {
    return (await calls.read(join(path, FORMAT_FILE))).toString('utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function listRecords(calls: FileCalls, path: string): Promise<string[] | undefined> {
  try {
    return await calls.list(join(path, RECORDS));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The names in the records folder of an old or a new data folder. */
async function checkFormat(
  calls: FileCalls,
  path: string,
): Promise<{ readonly isNew: boolean; names: string[] }> {
  const format = await readFormat(calls, path);
  const names = await listRecords(calls, path);
  if (format === undefined) {
    if (names !== undefined && names.length > 0) {
      throw new StoreUnusable(`the data folder holds records but no file "${FORMAT_FILE}"`);
    }
    return { isNew: true, names: [] };
  }
  if (format !== FORMAT) {
    const shown = JSON.stringify(format.slice(0, SHOWN));
    throw new StoreUnusable(
      `the data folder's "${FORMAT_FILE}" is ${shown}, where this version reads ${JSON.stringify(FORMAT)}`,
    );
  }
  if (names === undefined) throw new StoreUnusable(`the data folder has lost its folder "${RECORDS}"`);
  return { isNew: false, names };
}

async function readRecord(folder: DurableFolder, file: string): Promise<FoundRecord> {
  const { key, revision, names, terms } = decodeRecord(file, await folder.read(file));
  return { key, revision, names, terms, file };
}

/** Reads all `files`; the reason why one cannot be read goes to `damage`. */
async function readRecords(
  folder: DurableFolder,
  files: readonly string[],
  damage: Map<string, string>,
): Promise<FoundRecord[]> {
  const found: FoundRecord[] = [];
  const queue = files.values();
  const reader = async (): Promise<void> => {
    for (const file of queue) {
      try {
        found.push(await readRecord(folder, file));
      } catch (error) {
        damage.set(
          file,
          error instanceof DamagedRecord ? error.message : `cannot be read: ${errorCode(error)}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return found;
}

function checkNames(found: readonly FoundRecord[], damage: Map<string, string>): void {
  const holders = new Map<string, FoundRecord>();
  for (const record of found) {
    for (const name of record.names) {
      const holder = holders.get(name) ?? record;
      holders.set(name, holder);
      if (holder === record) continue;
      const reason = `two records hold the name ${JSON.stringify(name)}`;
      damage.set(holder.file, reason);
      damage.set(record.file, reason);
    }
  }
}

async function verifyRecords(folder: DurableFolder, names: readonly string[]): Promise<FoundRecord[]> {
  const damage = new Map<string, string>();
  const leftovers: string[] = [];
  const files: string[] = [];
  for (const name of names) {
    const target = targetOfTemporary(name);
    if (isRecordFileName(name)) files.push(name);
    else if (target !== undefined && isRecordFileName(target)) leftovers.push(name);
    else damage.set(name, 'no file of this store');
  }
  const found = await readRecords(folder, files, damage);
  checkNames(found, damage);
  if (damage.size > 0) {
    const list = [...damage].map(([name, reason]) => `${RECORDS}/${name}: ${reason}`).sort();
    throw new StoreUnusable(
      `the data folder is damaged; restore these files from a backup: ${list.join('; ')}`,
    );
  }
  for (const name of leftovers) await folder.remove(name);
  return found;
}

async function makeNew(path: string, options: DurableFolderOptions): Promise<void> {
  await ensureFolder(options.calls, join(path, RECORDS));
  const folder = await DurableFolder.open(path, 'data', options);
  try {
    for (const name of await folder.list()) {
      if (targetOfTemporary(name) === FORMAT_FILE) await folder.remove(name);
    }
    await folder.write(FORMAT_FILE, Buffer.from(FORMAT));
  } finally {
    await folder.close();
  }
}

/**
 * Opens the data folder at `path`, which is there and locked: makes it ready where it is new, else
 * verifies every record and clears away what commits left unfinished.
 *
 * @throws StoreUnusable naming every damaged file; nothing was changed then
 */
export async function recover(path: string, options: DurableFolderOptions): Promise<RecoveredFolder> {
  const { isNew, names } = await checkFormat(options.calls, path);
  if (isNew) await makeNew(path, options);
  const records = await DurableFolder.open(join(path, RECORDS), RECORDS, options);
  try {
    const found = await verifyRecords(records, names);
    await fsyncPath(options.calls, path);
    await records.flush();
    return { records, found };
  } catch (error) {
    await records.close();
    throw error;
  }
}
