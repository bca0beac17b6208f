import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { StoreUnusable } from '../store.js';

/**
 * Runs the check of a store's file in a process of its own (check-child.ts). A damaged page may make the engine read
 * beyond its memory, which ends the process: there it is a finding.
 */

/** What the other process tells. */
export type CheckReport =
  | { readonly kind: 'finding'; readonly entry: string; readonly reason: string }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'done' };

export type Thoroughness = 'sample' | 'full';

const child = fileURLToPath(new URL('check-child.js', import.meta.url));

/** How many findings are kept; the file is to be restored whatever their number. */
const keptFindings = 100;

/**
 * What is wrong with the store's file at `path`; nothing where it is whole.
 *
 * @throws StoreUnusable where the check itself cannot run
 */
export async function checkFile(path: string, thoroughness: Thoroughness): Promise<readonly string[]> {
  const found: string[] = [];
  const told = { everything: false };
  const checking = fork(child, [path, thoroughness], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  checking.on('message', (message) => {
    const report = message as CheckReport;
    if (report.kind === 'done') told.everything = true;
    else if (found.length < keptFindings) found.push(textOf(report));
  });
  const end = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    checking.once('error', (error) => {
      reject(new StoreUnusable('the data folder cannot be checked', { cause: error }));
    });
    checking.once('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
  if (!told.everything && found.length === 0)
    found.push(`a damaged page ended the check (${end.signal ?? `exit code ${end.code}`})`);
  return found;
}

function textOf(report: Exclude<CheckReport, { kind: 'done' }>): string {
  return report.kind === 'finding' ? `${report.entry}: ${report.reason}` : report.reason;
}
