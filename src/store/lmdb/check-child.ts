import { describeError } from '../../base/errors.js';
import { findAll, findSome } from './check.js';
import type { CheckReport } from './check-process.js';
import { Environment } from './environment.js';
import { findInPages } from './pages.js';

/** The process in which a store's file is checked: its arguments are the file and how thoroughly. */

const [, , path = '', thoroughness] = process.argv;

function tell(report: CheckReport): void {
  process.send?.(report);
}

try {
  const wrong = findInPages(path, thoroughness === 'full');
  for (const reason of wrong) tell({ kind: 'unreadable', reason });
  // The engine believes what its pages say.
  if (wrong.length === 0) {
    const environment = new Environment({ path, readOnly: true });
    const findings = thoroughness === 'full' ? findAll(environment) : findSome(environment);
    for (const { kind, key, reason } of findings) tell({ kind: 'finding', entry: `${kind} ${key}`, reason });
  }
} catch (error) {
  tell({ kind: 'unreadable', reason: describeError(error) });
}
tell({ kind: 'done' });
process.disconnect();
