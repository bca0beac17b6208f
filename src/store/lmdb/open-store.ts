import { existsSync } from 'node:fs';
import { open, readFile, readdir, rename, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { errorCode } from '../../base/errors.js';
import { silentLog, type Log } from '../../base/log.js';
import { systemRandom, type Random } from '../../base/random.js';
import { StoreFailure, StoreUnusable, type Json, type Store } from '../store.js';
import { checkFile } from './check-process.js';
import { Environment } from './environment.js';
import { FolderOwnership } from './folder-ownership.js';
import { ensureFolder, syncFolder } from './folders.js';
import { LmdbStore } from './lmdb-store.js';

/**
 * What happens before the first commit: the folder is made or recognised, locked, and its file is checked before
 * anything is written. A folder counts as a store from the moment its `format` file is there, which is made last.
 */

export interface StoreOptions {
  /** The data folder; created with mode 0700 where absent. */
  readonly folder: string;
  /** How many bytes of records, counted by their length in the file, are kept in memory. */
  readonly cacheBytes: number;
  readonly log?: Log;
  readonly random?: Random;
  /** Whether a sample of the file is checked first, which takes a process of its own. */
  readonly check?: boolean;
  /** Waits for so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
  /** The type of the file system of a folder, as statfs tells it. */
  readonly fileSystemOf?: (folder: string) => Promise<number>;
}

/** The file of records in a data folder. */
export const storeFile = 'store.mdb';

const formatFile = 'format';
const format = 'mcgms-store 2\n';

/** The folder of records of the format before this one: a file for each record. */
const formerRecords = 'records';

/** How much of an unknown format file is shown, in characters. */
const shown = 40;

/** How many findings of a check are told. */
const told = 5;

/** The entry that is there while a process has the store open. */
const openMark = Buffer.from('open');

/**
 * Types of file systems, as statfs tells them, that are on another machine: NFS, SMB, CIFS, SMB2, 9P, AFS, Ceph.
 * What is mapped into memory there is not what other machines write, and locks hold nobody off.
 */
const networkTypes: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x5346414f, 0x00c36400,
]);

/**
 * Opens the store in `folder`, which is created where absent.
 *
 * @throws StoreUnusable where the folder is damaged, of another version, owned by another process, on another
 *   machine, or cannot be used at all
 */
export async function openStore<T extends Json>(options: StoreOptions): Promise<Store<T>> {
  const { cacheBytes, log = silentLog, random = systemRandom, check = true, wait = setTimeout } = options;
  const path = resolve(options.folder);
  let ownership: FolderOwnership | undefined;
  let environment: Environment | undefined;
  try {
    await ensureFolder(path);
    await refuseNetwork(path, options.fileSystemOf);
    ownership = await FolderOwnership.claim(path, random, log);
    const owned = ownership;
    const isNew = await checkFormat(path);
    if (isNew) await makeFile(path);
    else if (check) await refuseDamage(path);
    environment = new Environment({ path: join(path, storeFile), mayWrite: () => owned.ensure() });
    if (environment.get('settings', openMark) !== undefined) await ownership.waitForOwner(wait);
    await ownership.begin();
    await environment.write(0, (writing) => {
      writing.put('settings', openMark, Buffer.alloc(0));
    });
    if (isNew) await writeFormat(path);
    const opened = environment;
    const onClosing = (): Promise<void> =>
      opened.write(0, (writing) => {
        writing.remove('settings', openMark);
      });
    return new LmdbStore<T>({ environment, cacheBytes, onClosing, onClosed: () => owned.release() });
  } catch (error) {
    await environment?.close();
    await ownership?.release();
    if (error instanceof StoreUnusable) throw error;
    const reason = error instanceof StoreFailure ? error.message : errorCode(error);
    throw new StoreUnusable(`cannot open the data folder: ${reason}`, { cause: error });
  }
}

async function typeOf(path: string): Promise<number> {
  return (await statfs(path)).type;
}

async function refuseNetwork(path: string, fileSystemOf = typeOf): Promise<void> {
  if (!networkTypes.has(await fileSystemOf(path))) return;
  throw new StoreUnusable('the data folder is on a network file system: it must be on a disk of this machine');
}

/** Whether the folder is a new one. @throws StoreUnusable where it is of another version, or has lost its file */
async function checkFormat(path: string): Promise<boolean> {
  const found = await readFormat(path);
  const hasFile = existsSync(join(path, storeFile));
  if (found === undefined) {
    if (await isFormer(path)) throw former();
    return true;
  }
  if (found === 'mcgms-store 1\n') throw former();
  if (found !== format) {
    const text = JSON.stringify(found.slice(0, shown));
    throw new StoreUnusable(
      `the data folder's "${formatFile}" is ${text}, where this version reads ${JSON.stringify(format)}`,
    );
  }
  if (!hasFile) throw new StoreUnusable(`the data folder has lost its file "${storeFile}"`);
  return false;
}

function former(): StoreUnusable {
  return new StoreUnusable(
    'the data folder is of an earlier version, with a file for each record. This version does not convert it: ' +
      'take a new folder, or go on with the earlier version',
  );
}

async function readFormat(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, formatFile), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function isFormer(path: string): Promise<boolean> {
  try {
    return (await readdir(join(path, formerRecords))).length > 0;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** @throws StoreUnusable where a sample of the file shows damage */
async function refuseDamage(path: string): Promise<void> {
  const findings = await checkFile(join(path, storeFile), 'sample');
  if (findings.length === 0) return;
  const more = findings.length > told ? `; and ${findings.length - told} more` : '';
  throw new StoreUnusable(
    `the data folder is damaged; restore it from a backup: ${findings.slice(0, told).join('; ')}${more}`,
  );
}

/** The engine would make a file that others may read. */
async function makeFile(path: string): Promise<void> {
  const file = await open(join(path, storeFile), 'a', 0o600);
  await file.close();
}

/** Written under another name first: a folder with a format file is a store. */
async function writeFormat(path: string): Promise<void> {
  const temporary = join(path, `${formatFile}.new`);
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(format);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(path, formatFile));
  await syncFolder(path);
}
