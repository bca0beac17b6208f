/**
 * How many files and connections the operating system lets this process have open. Node.js raises the limit to the
 * highest that it may have by itself.
 */

/** The fewest with which the program starts: loading its modules needs about 150 for a moment. */
const fewest = 256;

/** Kept for the store, the audit log and calls of peers: a quarter, and at least so many. */
const leastReserve = 64;

/** The limit of open files; Infinity where there is none, or none that is known. */
function openFiles(): number {
  // The report would look up the names of addresses otherwise.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  report.excludeNetwork = true;
  return softLimit(report.getReport());
}

/** The limit that a report of Node.js tells. */
export function softLimit(report: unknown): number {
  const { userLimits } = report as {
    readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } };
  };
  const soft = userLimits?.open_files?.soft;
  return typeof soft === 'number' ? soft : Infinity;
}

/** What to say where the limit is too low to start; else undefined. */
export function tooFewDescriptors(limit = openFiles()): string | undefined {
  if (limit >= fewest) return undefined;
  return `this process may have ${limit} files open, and needs at least ${fewest}: raise the limit (ulimit -n ${fewest})`;
}

/**
 * How many of `wanted` connections a server may have, where `servers` share the process: what comes in must leave
 * descriptors to the store.
 */
export function connectionsWithin(wanted: number, servers = 1, limit = openFiles()): number {
  if (limit === Infinity) return wanted;
  const reserve = Math.max(leastReserve, Math.ceil(limit / 4));
  return Math.min(wanted, Math.max(1, Math.floor((limit - reserve) / servers)));
}
