import { copyFile, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { silentLog } from '../../base/log.js';
import { systemRandom } from '../../base/random.js';
import { StoreUnusable, type Tally } from '../store.js';
import { checkFile } from './check-process.js';
import { Environment } from './environment.js';
import { FolderOwnership } from './folder-ownership.js';
import { ensureFolder } from './folders.js';
import { checkFormat, storeFile, writeFormat } from './format-file.js';
import { openMark, refuseNetwork } from './open-store.js';
import { isSummedBy, sumUp, wrongSums } from './summing.js';

/**
 * What an operator does with a store's folder while no server serves it, and the copy of one that is served.
 *
 * Whatever is made is checked in full before it counts: a folder becomes a store by its format file, which comes last.
 */

/**
 * Copies the store in `folder`, which a server may be using meanwhile: the copy is the state of one moment.
 *
 * @param target a folder that is empty or absent
 * @returns the size of the copy in octets
 * @throws StoreUnusable where there is no store, the target is not empty, or the copy is not whole
 * @throws StoreFailure where the copy cannot be written
 */
export async function backupStore(folder: string, target: string): Promise<number> {
  const from = resolve(folder);
  const to = resolve(target);
  await expectStore(from);
  await ensureFolder(to);
  if ((await readdir(to)).length > 0) throw new StoreUnusable('the folder for the backup is not empty');
  const file = join(to, storeFile);
  try {
    await copyWhileOpen(from, file);
    await clearOpenMark(file);
    await makeLast(file);
    await refuseFindings(file, 'the copy is not whole: check the store with mcgms doctor');
  } catch (error) {
    await removeFile(file);
    throw error;
  }
  await writeFormat(to);
  return (await stat(file)).size;
}

export interface RestoreOptions {
  /** Whether the store in the folder, if there is one, is given up. */
  readonly replace: boolean;
  /** Waits for so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

/**
 * Makes a store in `folder` of a backup. Until the copy is whole and durable, what was there stays.
 *
 * @throws StoreUnusable where the backup is none or damaged, or the folder is in use, not empty, or holds something
 *   else than a store of this version
 */
export async function restoreStore(backup: string, folder: string, options: RestoreOptions): Promise<void> {
  const { replace, wait = setTimeout } = options;
  const from = resolve(backup);
  const to = resolve(folder);
  await expectStore(from);
  await ensureFolder(to);
  await refuseNetwork(to);
  const ownership = await FolderOwnership.claim(to, systemRandom, silentLog);
  try {
    if ((await readdir(to)).some((name) => !name.startsWith('lock-'))) {
      if (!replace) throw new StoreUnusable('the folder is not empty; --replace gives up the store in it');
      await expectFormat(to);
      await ownership.waitForOwner(wait);
    }
    await ownership.begin();
    const temporary = join(to, `${storeFile}.new`);
    try {
      await removeFile(temporary);
      await copyFile(join(from, storeFile), temporary);
      await makeLast(temporary);
      await refuseFindings(temporary, 'the backup is damaged, and nothing was changed');
    } catch (error) {
      await removeFile(temporary);
      throw error;
    }
    await removeFile(join(to, storeFile), 'lock');
    await rename(temporary, join(to, storeFile));
    // Makes the rename last as well.
    await writeFormat(to);
  } finally {
    await ownership.release();
  }
}

/** What an examination found. */
export interface Examined {
  /** What is wrong; nothing where the store is whole. */
  readonly findings: readonly string[];
  /** How many sums were not those of the records; they have been put right. */
  readonly mendedSums: number;
}

/**
 * Looks at every entry of the store in `folder`. Where all are whole, sums that are not those of the records are made
 * anew; nothing else is changed.
 *
 * @param tally how sums follow from records
 * @throws StoreUnusable where there is no store, or it is in use
 * @throws StoreFailure where sums cannot be written
 */
export async function examineStore(folder: string, tally: Tally): Promise<Examined> {
  const path = resolve(folder);
  await expectStore(path);
  const ownership = await FolderOwnership.claim(path, systemRandom, silentLog);
  try {
    const file = join(path, storeFile);
    const findings = await checkFile(file, 'full');
    return { findings, mendedSums: findings.length === 0 ? await mendSums(file, tally) : 0 };
  } finally {
    await ownership.release();
  }
}

/** @returns how many were wrong */
async function mendSums(file: string, tally: Tally): Promise<number> {
  const looking = new Environment({ path: file, readOnly: true });
  let wrong = 0;
  try {
    // The next start makes them anyway.
    if (isSummedBy(looking, tally)) wrong = await wrongSums(looking, tally);
  } finally {
    await looking.close();
  }
  if (wrong === 0) return 0;
  const environment = new Environment({ path: file });
  try {
    await sumUp(environment, tally);
  } finally {
    await environment.close();
  }
  return wrong;
}

async function expectStore(path: string): Promise<void> {
  if (await checkFormat(path)) throw new StoreUnusable('there is no store in the folder');
}

/** As `expectStore`, where the file of records may be gone: it is going to be replaced. */
async function expectFormat(path: string): Promise<void> {
  if ((await readdir(path)).includes(storeFile)) await expectStore(path);
  else if (!(await readdir(path)).includes('format'))
    throw new StoreUnusable('there is no store in the folder');
}

async function copyWhileOpen(folder: string, file: string): Promise<void> {
  const environment = new Environment({ path: join(folder, storeFile), readOnly: true });
  try {
    await environment.backup(file);
  } finally {
    await environment.close();
  }
}

/** A copy of a store that is open is not open itself. */
async function clearOpenMark(file: string): Promise<void> {
  const environment = new Environment({ path: file });
  try {
    await environment.write(0, (writing) => {
      writing.remove('settings', openMark);
    });
  } finally {
    await environment.close();
  }
}

async function makeLast(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the file, and the one that the engine keeps beside it; or only the latter. */
async function removeFile(file: string, what: 'both' | 'lock' = 'both'): Promise<void> {
  await rm(`${file}-lock`, { force: true });
  if (what === 'both') await rm(file, { force: true });
}

/** @throws StoreUnusable with `message` and the first finding, where there is one */
async function refuseFindings(file: string, message: string): Promise<void> {
  const [finding] = await checkFile(file, 'full');
  await removeFile(file, 'lock');
  if (finding !== undefined) throw new StoreUnusable(`${message}: ${finding}`);
}
