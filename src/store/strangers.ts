import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Log } from '../base/log.js';

/**
 * Files in the data folder that are not the server's: desktops, editors and network file systems leave some
 * (`.DS_Store`, `.nfs0001`, `store.mdb~`). They do no harm, and are named so that nobody takes them for a part of
 * the data.
 */

/** The files of the store; the lock has names of its own. */
const ours =
  /^(?:format|store\.mdb|store\.mdb-lock|incarnation|(?:format|incarnation)\.(?:new|tmp)|lock-.*)$/;

/** How many are named. */
const named = 5;

/**
 * Warns of files in the data folder that are not the server's. Never throws.
 *
 * @param logs files of logs, which may stand there as well, with numbers behind them
 */
export async function warnOfStrangers(folder: string, logs: readonly string[], log: Log): Promise<void> {
  const names = logs.map((path) => basename(path));
  const isLog = (name: string): boolean =>
    names.some((own) => name === own || (name.startsWith(`${own}.`) && /^[\w.-]+$/.test(name)));
  const found = await readdir(folder).catch((): string[] => []);
  const strangers = found.filter((name) => !ours.test(name) && !isLog(name)).sort();
  if (strangers.length === 0) return;
  const files = strangers.slice(0, named).map((name) => JSON.stringify(name));
  const more = strangers.length > named ? `, and ${strangers.length - named} more` : '';
  log.warn({ files: `${files.join(', ')}${more}` }, 'files in the data folder that are not of this server');
}
