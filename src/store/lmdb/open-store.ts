import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemReason } from '../../base/system-errors.js';
import { silentLog, type Log } from '../../base/log.js';
import { systemRandom, type Random } from '../../base/random.js';
import { StoreFailure, StoreUnusable, type Json, type Store, type Tally } from '../store.js';
import { checkFile } from './check-process.js';
import { Environment } from './environment.js';
import { FolderOwnership } from './folder-ownership.js';
import { ensureFolder } from './folders.js';
import { checkFormat, lost, makeFile, mayLackSums, storeFile, writeFormat } from './format-file.js';
import { LmdbStore } from './lmdb-store.js';
import { isSummedBy, sumUp, tallyMark } from './summing.js';

/**
 * What happens before the first commit: the folder is made or recognised, locked, and its file is checked before
 * anything is written. A folder counts as a store from the moment its `format` file is there, which is made last.
 */

export interface StoreOptions {
  /** The data folder; created with mode 0700 where absent. */
  readonly folder: string;
  /** How many bytes of records, counted by their length in the file, are kept in memory. */
  readonly cacheBytes: number;
  /** How sums follow from records. Without it none are kept, and those that there are count as unknown. */
  readonly tally?: Tally;
  readonly log?: Log;
  readonly random?: Random;
  /** Whether a sample of the file is checked first, which takes a process of its own. */
  readonly check?: boolean;
  /** Waits for so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
  /** The type of the file system of a folder, as statfs tells it. */
  readonly fileSystemOf?: (folder: string) => Promise<number>;
}

/** What fits a folder better than the usual words. */
const reasons = {
  EEXIST: 'it is a file: it must be a folder, or not be there yet',
  ENOTDIR: 'it is a file, or a part of its path is one: it must be a folder, or not be there yet',
};

/** How many findings of a check are told. */
const told = 5;

/** The entry that is there while a process has the store open. */
export const openMark = Buffer.from('open');

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
  const {
    cacheBytes,
    tally,
    log = silentLog,
    random = systemRandom,
    check = true,
    wait = setTimeout,
  } = options;
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
    if (isNew && environment.keys('labels', { limit: 1 }).length > 0) throw lost('format');
    if (environment.get('settings', openMark) !== undefined) await ownership.waitForOwner(wait);
    await ownership.begin();
    await environment.write(0, (writing) => {
      writing.put('settings', openMark, Buffer.alloc(0));
      if (tally === undefined) writing.remove('settings', tallyMark);
    });
    const lacksSums = await mayLackSums(path);
    if (tally !== undefined && (lacksSums || !isSummedBy(environment, tally))) {
      if (!isNew) log.info({ folder: path }, 'the records are summed up once');
      await sumUp(environment, tally);
    }
    if (isNew || lacksSums) await writeFormat(path);
    const opened = environment;
    const onClosing = (): Promise<void> =>
      opened.write(0, (writing) => {
        writing.remove('settings', openMark);
      });
    return new LmdbStore<T>({ environment, cacheBytes, tally, onClosing, onClosed: () => owned.release() });
  } catch (error) {
    await environment?.close();
    await ownership?.release();
    if (error instanceof StoreUnusable) throw error;
    const reason = error instanceof StoreFailure ? error.message : systemReason(error, reasons);
    throw new StoreUnusable(`cannot open the data folder ${options.folder}: ${reason}`, { cause: error });
  }
}

async function typeOf(path: string): Promise<number> {
  return (await statfs(path)).type;
}

/** @throws StoreUnusable where the folder is on another machine's file system */
export async function refuseNetwork(path: string, fileSystemOf = typeOf): Promise<void> {
  if (!networkTypes.has(await fileSystemOf(path))) return;
  throw new StoreUnusable(
    'the data folder is on a network file system: it must be on a disk of this machine',
  );
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
