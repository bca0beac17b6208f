import { existsSync } from 'node:fs';
import { open, readFile, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../base/system-errors.js';
import { StoreUnusable } from '../store.js';
import { syncFolder } from './folders.js';

/** The files of a data folder. It counts as a store from the moment its `format` file is there, which is made last. */

/** The file of records in a data folder. */
export const storeFile = 'store.mdb';

const formatFile = 'format';
const format = 'mcgms-store 3\n';

/** The format before: it has no sums, and a version that writes it would leave them wrong. */
const withoutSums = 'mcgms-store 2\n';

/** The folder of records of the format before this one: a file for each record. */
const formerRecords = 'records';

/** How much of an unknown format file is shown, in characters. */
const shown = 40;

/** Whether the folder is a new one. @throws StoreUnusable where it is of another version, or has lost its file */
export async function checkFormat(path: string): Promise<boolean> {
  const found = await readFormat(path);
  const hasFile = existsSync(join(path, storeFile));
  if (found === undefined) {
    if (await isFormer(path)) throw former();
    return true;
  }
  if (found === 'mcgms-store 1\n') throw former();
  if (found !== format && found !== withoutSums) {
    const text = JSON.stringify(found.slice(0, shown));
    throw new StoreUnusable(
      `the data folder's "${formatFile}" is ${text}, where this version reads ${JSON.stringify(format)}`,
    );
  }
  if (!hasFile) throw lost(storeFile);
  return false;
}

/** What to say where a file of a store is gone. */
export function lost(file: string): StoreUnusable {
  return new StoreUnusable(`the data folder has lost its file "${file}"`);
}

/** Whether the store in the folder may have been written to by a version that keeps no sums. */
export async function mayLackSums(path: string): Promise<boolean> {
  return (await readFormat(path)) === withoutSums;
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

/** The engine would make a file that others may read. */
export async function makeFile(path: string): Promise<void> {
  const file = await open(join(path, storeFile), 'a', 0o600);
  await file.close();
}

/** Written under another name first: a folder with a format file is a store. */
export async function writeFormat(path: string): Promise<void> {
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
