import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/system-errors.js';
import type { Random } from '../base/random.js';
import { StoreUnusable } from './store.js';

/**
 * The incarnation of a store (design D17): a token that other MC systems see, new where the store was created or
 * restored. A partner that sees another token than before knows that what it was told, and what it told,
 * may be forgotten, and compares.
 *
 * Nobody tells a server that its folder came out of a backup. So the token stands in a file that also says
 * which file it is: its own inode and time of birth, and those of the folder of records. A copy of
 * the folder has others, and gets a token of its own. What this cannot see is a disk that was restored below
 * the file system, as a snapshot of a virtual machine is: there the comparison on a schedule finds out.
 *
 * A token that is new without need costs a comparison and nothing else. So whatever is unclear counts as a
 * restore.
 */

export interface Incarnation {
  readonly token: string;
  /** Whether it was made just now: the store is new, or was restored. */
  readonly isNew: boolean;
}

/** What tells a file or folder from a copy of it. */
interface Identity {
  readonly inode: string;
  readonly born: string;
}

interface Written {
  readonly token: string;
  readonly self: Identity;
  readonly records: Identity;
}

const FILE = 'incarnation';

/**
 * The incarnation of the store in `folder`, which is open and locked.
 *
 * @param records the folder or file that holds the records
 * @throws StoreUnusable where the token cannot be kept
 */
export async function openIncarnation(folder: string, records: string, random: Random): Promise<Incarnation> {
  const path = join(folder, FILE);
  try {
    const place = await identityOf(join(folder, records));
    const known = await read(path);
    if (known !== undefined && isSame(known.self, await identityOf(path)) && isSame(known.records, place)) {
      return { token: known.token, isNew: false };
    }
    return { token: await write(path, place, random), isNew: true };
  } catch (error) {
    throw new StoreUnusable(`cannot keep the incarnation of the store: ${errorCode(error)}`, {
      cause: error,
    });
  }
}

async function identityOf(path: string): Promise<Identity> {
  const { ino, birthtimeNs } = await stat(path, { bigint: true });
  return { inode: String(ino), born: String(birthtimeNs) };
}

function isSame(one: Identity, other: Identity): boolean {
  return one.inode === other.inode && one.born === other.born;
}

/** What the file says; undefined where there is none, or it makes no sense. */
async function read(path: string): Promise<Written | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const [token = '', inode = '', born = '', recordsInode = '', recordsBorn = ''] = text.trim().split(' ');
  if (!/^[\w-]{16,64}$/.test(token)) return undefined;
  return { token, self: { inode, born }, records: { inode: recordsInode, born: recordsBorn } };
}

/** Writes a new token, durably; the file that is renamed is the file that it names. */
async function write(path: string, place: Identity, random: Random): Promise<string> {
  const token = random.token();
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  const file = await open(temporary, 'wx', 0o600);
  try {
    const self = await identityOf(temporary);
    await file.writeFile(`${token} ${self.inode} ${self.born} ${place.inode} ${place.born}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const parent = await open(join(path, '..'), 'r');
  try {
    await parent.sync();
  } finally {
    await parent.close();
  }
  return token;
}
