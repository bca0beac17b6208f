import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Who runs on which core: the besieged server has one to itself, everybody else has the others. Where there is but
 * one, or the system has no `taskset`, all run where they may.
 */

/** Cores that this process may use; none where the system does not tell. */
function allowed(): readonly number[] {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    return list.split(',').flatMap((range) => {
      const [first = NaN, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, at) => first + at);
    });
  } catch {
    return [];
  }
}

const cores = allowed();
const canChoose = cores.length > 0 && spawnSync('taskset', ['--version']).status === 0;

/** Words in front of a command that pin it to its cores; none where that cannot be done. */
export function pinned(who: 'besieged' | 'others'): readonly string[] {
  if (!canChoose) return [];
  const others = cores.slice(0, -1);
  const chosen = who === 'besieged' || others.length === 0 ? cores.slice(-1) : others;
  return ['taskset', '-c', chosen.join(',')];
}

/** Has a process stand back behind others, as far as the system allows it. */
export function setNiceness(pid: number | undefined, niceness: number): void {
  try {
    if (pid !== undefined) setPriority(pid, niceness);
  } catch {
    // It has ended already.
  }
}
