import { quantile } from '../../bench/statistics.js';
import type { Outcome } from './siege.js';
import type { Tally } from './hostile/field.js';

/** The figures of a siege as tables, aligned for a terminal or in Markdown. */

type Table = readonly (readonly string[])[];

/** @param rows the first one is the head */
function formatTable(rows: Table, isMarkdown: boolean): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    if (isMarkdown) return `| ${cells.join(' | ')} |`;
    return cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  };
  const [head = [], ...body] = rows;
  const rule = isMarkdown ? [line(head.map(() => '---'))] : [];
  return [line(head), ...rule, ...body.map(line)].join('\n');
}

const mega = 1024 * 1024;

/** A number that is no longer than it need be; `–` where there is none. */
function figure(value: number, digits = 0): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

function statusesOf({ statuses }: Tally): string {
  const all = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  return all.length === 0 ? '–' : all.join(', ');
}

function latencies(outcome: Outcome, what?: string): Float64Array {
  const wanted = outcome.honest.samples.filter((sample) => what === undefined || sample.what === what);
  return Float64Array.from(wanted, ({ milliseconds }) => milliseconds).sort();
}

/** p50, p99 and the longest, in milliseconds. */
function spread(sorted: Float64Array): readonly string[] {
  return [quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.at(-1) ?? NaN].map((value) => figure(value));
}

function hostileTable({ hostile }: Outcome): Table {
  return [
    ['hostile clients', 'connections', 'cut off', 'requests', 'MB sent', 'MB received', 'answers'],
    ...hostile.map(({ kind, tally }) => [
      kind,
      ...[tally.connections, tally.cutOff, tally.requests].map((count) => figure(count)),
      figure(tally.sent / mega, 1),
      figure(tally.received / mega, 1),
      statusesOf(tally),
    ]),
  ];
}

function honestTable(outcome: Outcome, latency: number): Table {
  const { samples, arrivals } = outcome.honest;
  const row = (name: string, what?: string): readonly string[] => {
    const wanted = samples.filter((sample) => what === undefined || sample.what === what);
    const count = (is: (sample: (typeof samples)[number]) => boolean): string =>
      String(wanted.filter(is).length);
    return [
      name,
      String(wanted.length),
      ...spread(latencies(outcome, what)),
      count(({ attempts }) => attempts > 1),
      count(({ milliseconds }) => milliseconds > latency),
      count(({ failure }) => failure !== undefined),
    ];
  };
  const names = [...new Set(samples.map(({ what }) => what))].sort();
  const arrived = (['from a peer', 'to a peer'] as const).map((what) => {
    const times = arrivals.filter((arrival) => arrival.what === what).map(({ milliseconds }) => milliseconds);
    return [`changes ${what}`, String(times.length), ...spread(Float64Array.from(times).sort()), '', '', ''];
  });
  return [
    ['honest requests', 'number', 'p50 ms', 'p99 ms', 'max ms', 'tried again', 'late', 'failed'],
    ...names.map((name) => row(name, name)),
    row('all'),
    ...arrived,
  ];
}

function serverLines(outcome: Outcome): string {
  const { before, after, peak, loopDelay, processor, log, seconds, untilEqual, recovery, honest } = outcome;
  const megabytes = (octets: number): string => `${figure(octets / mega)} MB`;
  return [
    `memory: ${megabytes(peak.own)} of its own at the worst; ${megabytes(before.held)} held before, ${megabytes(after.held)} after`,
    `descriptors: ${figure(before.descriptors)} before, ${figure(peak.descriptors)} at the worst, ${figure(after.descriptors)} after`,
    `event loop: p99 ${figure(loopDelay.loopDelayP99)} ms late, at the worst ${figure(loopDelay.loopDelayMax)} ms; that of the honest clients ${figure(honest.ownDelay)} ms`,
    `processor: ${figure(processor.used, 1)} s used, ${figure(processor.waited, 1)} s waited for while others had it`,
    `log: ${log.lines} lines, ${figure(log.octets / mega, 1)} MB in ${figure(seconds)} s`,
    `at rest ${figure(recovery / 1000, 1)} s after the siege; systems equal ${figure(untilEqual / 1000, 1)} s after a restart`,
  ].join('\n');
}

export function describe(outcome: Outcome, latency: number, isMarkdown: boolean): string {
  const parts = [
    formatTable(hostileTable(outcome), isMarkdown),
    formatTable(honestTable(outcome, latency), isMarkdown),
  ];
  return [...parts, serverLines(outcome)].join('\n\n');
}

/** One line for each of several sieges. */
export function describeEach(
  sieges: readonly { readonly name: string; readonly outcome: Outcome; readonly broken: readonly string[] }[],
  latency: number,
  isMarkdown: boolean,
): string {
  const rows = sieges.map(({ name, outcome, broken }) => {
    const { samples } = outcome.honest;
    return [
      name,
      String(samples.length),
      ...spread(latencies(outcome)),
      String(samples.filter(({ milliseconds }) => milliseconds > latency).length),
      String(samples.filter(({ failure }) => failure !== undefined).length),
      figure(outcome.peak.own / mega),
      figure((outcome.after.held - outcome.before.held) / mega),
      figure(outcome.log.lines / outcome.seconds),
      outcome.end === undefined ? 'alive' : 'ended',
      broken.length === 0 ? 'hold' : String(broken.length),
    ];
  });
  const head = ['hostile clients', 'honest', 'p50 ms', 'p99 ms', 'max ms', 'late', 'failed'];
  const more = ['max RSS MB', 'held more MB', 'log lines/s', 'server', 'bounds broken'];
  return formatTable([[...head, ...more], ...rows], isMarkdown);
}

/** The last line. */
export function summary(outcome: Outcome, kinds: number, broken: readonly string[]): string {
  const [p50 = '–', p99 = '–', max = '–'] = spread(latencies(outcome));
  const times = `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;
  const own = `${figure(outcome.peak.own / mega)} MB`;
  const verdict = broken.length === 0 ? 'all bounds hold' : `FAILED, ${broken.length} bounds broken`;
  return `siege: ${kinds} kinds for ${figure(outcome.seconds)} s: ${outcome.honest.samples.length} honest requests, ${times}, memory ${own}: ${verdict}`;
}
