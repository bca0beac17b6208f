import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/base/log.js';
import { systemRandom } from '../../../src/base/random.js';
import { DurableFolder } from '../../../src/store/lowdb/durable-folder.js';
import { WatchedCalls } from './watched-calls.js';

/** A new durable folder whose calls to the file system are written down from here on. */
export interface WatchedFolder {
  readonly path: string;
  readonly calls: WatchedCalls;
  readonly folder: DurableFolder;
  /** Closes the folder and removes it. */
  dispose(): Promise<void>;
}

export async function watchedFolder(): Promise<WatchedFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mcgms-folder-'));
  const calls = new WatchedCalls();
  const folder = await DurableFolder.open(path, 'records', { calls, log: silentLog, random: systemRandom });
  calls.calls.length = 0;
  const dispose = async (): Promise<void> => {
    await folder.close();
    await rm(path, { recursive: true });
  };
  return { path, calls, folder, dispose };
}
