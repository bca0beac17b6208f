import fs from 'node:fs';
import { performance } from 'node:perf_hooks';
import { spreadOf } from './statistics.js';

/** What is known of the disk below a folder. */
export interface Disk {
  /** Such as `ext4 on /dev/vda`, or the number of the file system where there is no /proc. */
  readonly fileSystem: string;
  /** Milliseconds of an fsync after a write of 4 KiB. */
  readonly fsync: number;
  /** Cache flushes that the device was asked for during `fsyncs` of them; undefined where not told. */
  readonly flushes: number | undefined;
  readonly fsyncs: number;
  /** File systems that keep all in memory, where an fsync does nothing. */
  readonly inMemory: boolean;
}

const fsyncs = 100;

/** The mount that `path` is on: the last of those with the longest path that leads there. */
function mountOf(path: string): { readonly device: string; readonly type: string } | undefined {
  let found: { readonly device: string; readonly type: string; readonly at: string } | undefined;
  try {
    for (const line of fs.readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const [device = '', at = '', type = ''] = line.split(' ');
      const leads = at === '/' || path === at || path.startsWith(`${at}/`);
      if (at !== '' && leads && at.length >= (found?.at.length ?? 0)) found = { device, type, at };
    }
  } catch {
    return undefined;
  }
  return found;
}

/** The flushes that a block device has completed so far (Linux 5.5 and later). */
function flushesOf(device: string): number | undefined {
  try {
    const lines = fs.readFileSync('/proc/diskstats', 'utf8').split('\n');
    const fields = lines
      .map((line) => line.trim().split(/\s+/))
      .find(([, , name]) => `/dev/${name ?? ''}` === device);
    return fields?.[18] === undefined ? undefined : Number(fields[18]);
  } catch {
    return undefined;
  }
}

/** Looks at the disk below `folder`, which exists, and times its fsync. */
export function inspectDisk(folder: string): Disk {
  const mount = mountOf(fs.realpathSync(folder));
  const file = `${folder}/probe`;
  const descriptor = fs.openSync(file, 'w');
  const before = mount === undefined ? undefined : flushesOf(mount.device);
  const block = Buffer.alloc(4096, 1);
  const times = Array.from({ length: fsyncs }, () => {
    fs.writeSync(descriptor, block);
    const started = performance.now();
    fs.fsyncSync(descriptor);
    return performance.now() - started;
  });
  const after = mount === undefined ? undefined : flushesOf(mount.device);
  fs.closeSync(descriptor);
  fs.rmSync(file);
  return {
    fileSystem:
      mount === undefined ? `type ${fs.statfsSync(folder).type}` : `${mount.type} on ${mount.device}`,
    fsync: spreadOf(times).median,
    flushes: before === undefined || after === undefined ? undefined : after - before,
    fsyncs,
    inMemory: mount?.type === 'tmpfs' || mount?.type === 'ramfs',
  };
}

/** `disk` in words. */
export function describeDisk({ fileSystem, fsync, flushes, fsyncs: count, inMemory }: Disk): string {
  const time = `an fsync takes ${fsync.toFixed(3)} ms`;
  if (inMemory) return `${fileSystem}, in memory: ${time} and is NOT real, figures of PUT mean nothing`;
  if (flushes === undefined)
    return `${fileSystem}: ${time}; the system does not tell whether it reaches the device`;
  const reach = flushes > 0 ? 'it reaches the device' : 'the device was NOT asked to flush';
  return `${fileSystem}: ${time}; ${count} of them made ${flushes} flushes of the device: ${reach}`;
}
