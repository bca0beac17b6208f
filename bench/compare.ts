import type { Row } from './report.js';
import type { Spread } from './statistics.js';

/**
 * Two runs beside each other. A difference counts only where the spreads of the two do not touch: what the machine
 * does besides moves rates from one run to the next. Ratios to the limit of the same run are the steadier measure.
 */

/** What is compared of a run that was written as JSON. */
export interface FormerRun {
  readonly rows: readonly Pick<Row, 'what' | 'variant' | 'rate' | 'ratio'>[];
}

export type Verdict = 'faster' | 'slower' | 'within the spread' | 'new' | 'gone';

export interface Comparison {
  readonly what: string;
  readonly variant: string;
  readonly before: Spread | undefined;
  readonly now: Spread | undefined;
  readonly ratioBefore: Spread | undefined;
  readonly ratioNow: Spread | undefined;
  readonly verdict: Verdict;
}

/** @throws Error where `text` is not what the bench has written */
export function readFormerRun(text: string): FormerRun {
  const run: unknown = JSON.parse(text);
  if (typeof run !== 'object' || run === null || !('rows' in run) || !Array.isArray(run.rows)) {
    throw new Error('no run of the bench: it has no rows');
  }
  return run as FormerRun;
}

type Measured = FormerRun['rows'][number];

const keyOf = ({ what, variant }: Measured): string => `${what}: ${variant}`;

/** The verdict on what is measured by the ratio where there is one, else by the rate. */
function verdictOn(before: Measured | undefined, now: Measured | undefined): Verdict {
  if (before === undefined) return 'new';
  if (now === undefined) return 'gone';
  const [was, is] =
    before.ratio !== undefined && now.ratio !== undefined
      ? [before.ratio, now.ratio]
      : [before.rate, now.rate];
  if (is.min > was.max) return 'faster';
  return is.max < was.min ? 'slower' : 'within the spread';
}

/** Every row of either run, in the order of the present one. */
export function compareRuns(former: FormerRun, present: FormerRun): readonly Comparison[] {
  const before = new Map(former.rows.map((row) => [keyOf(row), row]));
  const now = new Map(present.rows.map((row) => [keyOf(row), row]));
  const keys = new Set([...now.keys(), ...before.keys()]);
  return [...keys].flatMap((key) => {
    const [was, is] = [before.get(key), now.get(key)];
    const either = is ?? was;
    if (either === undefined) return [];
    return [
      {
        what: either.what,
        variant: either.variant,
        before: was?.rate,
        now: is?.rate,
        ratioBefore: was?.ratio,
        ratioNow: is?.ratio,
        verdict: verdictOn(was, is),
      },
    ];
  });
}

function written(spread: Spread | undefined, digits: number): string {
  if (spread === undefined) return '';
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits));
  return `${median} (${min}–${max})`;
}

function changeOf(before: Spread | undefined, now: Spread | undefined): string {
  if (before === undefined || now === undefined) return '';
  const percent = 100 * (now.median / before.median - 1);
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(0)} %`;
}

/** The comparison as a Markdown table. */
export function describeComparison(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ what, variant, before, now, ratioBefore, ratioNow, verdict }) => [
    what,
    variant,
    written(before, 0),
    written(now, 0),
    changeOf(before, now),
    written(ratioBefore, 2),
    written(ratioNow, 2),
    verdict,
  ]);
  const head = [
    'what',
    'variant',
    'rate/s before',
    'rate/s now',
    'change',
    'ratio before',
    'ratio now',
    'verdict',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
