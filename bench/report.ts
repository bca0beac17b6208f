import type { Spread } from './statistics.js';

/** One line of the table. Processor times in microseconds, latencies in milliseconds. */
export interface Row {
  readonly what: string;
  readonly variant: string;
  /** Per second, of each round. */
  readonly rate: Spread;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
  /** Of the server for one request. */
  readonly serverCpu: number | undefined;
  /** Processor time of the server in one second, as a share of one core. */
  readonly serverBusy: number | undefined;
  /** Rate divided by that of the limit in the same round. */
  readonly ratio: Spread | undefined;
  /** The limit's processor time for one request divided by ours: what the ratio would be on its own core. */
  readonly cpuRatio: number | undefined;
  readonly goal: Goal | undefined;
}

/** What a row is to reach, and whether it does. */
export interface Goal {
  readonly text: string;
  readonly met: boolean;
}

const columns = [
  'what',
  'variant',
  'rate/s',
  'min–max',
  'p50 ms',
  'p99 ms',
  'CPU µs',
  'busy',
  'ratio',
  'min–max',
  'CPU ratio',
  'goal',
] as const;

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits);
}

function cells(row: Row): readonly string[] {
  const { what, variant, rate, p50, p99, serverCpu, serverBusy, ratio, cpuRatio, goal } = row;
  return [
    what,
    variant,
    fixed(rate.median, 0),
    `${fixed(rate.min, 0)}–${fixed(rate.max, 0)}`,
    fixed(p50, 2),
    fixed(p99, 2),
    fixed(serverCpu, 0),
    serverBusy === undefined ? '' : `${fixed(serverBusy * 100, 0)} %`,
    fixed(ratio?.median, 2),
    ratio === undefined ? '' : `${fixed(ratio.min, 2)}–${fixed(ratio.max, 2)}`,
    fixed(cpuRatio, 2),
    goal === undefined ? '' : `${goal.text}: ${goal.met ? 'met' : 'MISSED'}`,
  ];
}

/** The rows as a Markdown table whose columns are even in plain text too. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [[...columns], ...rows.map(cells)];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    `| ${line.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at < 2 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head = [], ...body] = lines;
  return [format(head), rule, ...body.map(format)].join('\n');
}
