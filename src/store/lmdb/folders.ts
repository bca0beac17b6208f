import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../../base/system-errors.js';

/** Folders that are on disk when the promise resolves. */

/** Makes what was created, renamed or removed in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Creates a folder that only its owner may enter, and those above it, where they are absent. A folder that is
 * there may stem from a process that was killed before its fsync, so its parent is fsynced too, unless
 * this process may not open it.
 */
export async function ensureFolder(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') {
      await syncFolder(parent).catch((reason: unknown) => {
        if (errorCode(reason) !== 'EACCES') throw reason;
      });
      return;
    }
    if (code !== 'ENOENT' || parent === path) throw error;
    await ensureFolder(parent);
    await mkdir(path, { mode: 0o700 });
  }
  await syncFolder(parent);
}
