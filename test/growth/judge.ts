import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Order, Report } from './child.js';
import { suspicious, type Cell } from './measure.js';

/** Runs the processes that are measured, and judges their figures. */

/**
 * The steepest growth that passes. Linear work with caches, garbage collection and a logarithm comes to 1.3, and
 * quadratic work to 1.8 and more; a cell that seems steeper is measured again before it fails.
 */
export const steepest = 1.5;

const child = fileURLToPath(new URL('child.js', import.meta.url));

/** Milliseconds after which a process is taken for one that does not end. */
const patience = 15 * 60_000;

/** Runs one process; a cell that it does not survive has a fault. */
export async function run(order: Order, onCell: (cell: Cell) => void = () => undefined): Promise<Cell[]> {
  const cells: Cell[] = [];
  let underWay: Extract<Report, { started: unknown }>['started'] | undefined;
  const running = spawn(
    process.execPath,
    ['--expose-gc', '--max-old-space-size=2048', child, JSON.stringify(order)],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: patience },
  );
  let errors = '';
  running.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2000)));
  for await (const line of createInterface({ input: running.stdout })) {
    const report = JSON.parse(line) as Report;
    if ('started' in report) underWay = report.started;
    else {
      underWay = undefined;
      cells.push(report.cell);
      onCell(report.cell);
    }
  }
  const code = running.exitCode ?? (await new Promise((resolve) => running.once('exit', resolve)));
  if (code === 0) return cells;
  if (underWay === undefined) throw new Error(`${order.entrances.join(', ')}: the process ended: ${errors}`);
  const nothing = { time: undefined, heap: undefined, largest: 0, longest: 0, peak: 0, statuses: [] };
  const cell: Cell = { ...underWay, ...nothing, fault: `the process ended: ${errors.trim()}` };
  cells.push(cell);
  onCell(cell);
  return cells;
}

const slope = ({ time = 0, heap = 0 }: Cell): number => Math.max(time, heap);

/** What is wrong with a cell, or undefined. */
export function faultOf(cell: Cell): string | undefined {
  if (cell.fault !== undefined) return cell.fault;
  const told = [
    ...((cell.time ?? 0) > steepest ? [`time grows with the power of ${(cell.time ?? 0).toFixed(2)}`] : []),
    ...((cell.heap ?? 0) > steepest ? [`memory grows with the power of ${(cell.heap ?? 0).toFixed(2)}`] : []),
  ];
  return told.length === 0 ? undefined : told.join(', ');
}

/** The flatter figures of two measurements of one cell: noise only ever adds. */
function flatter(one: Cell, other: Cell): Cell {
  const least = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : Math.min(a, b);
  return { ...other, time: least(one.time, other.time), heap: least(one.heap, other.heap) };
}

/** Whether the largest size of a carrier is an option, so that a larger one can be tried. */
const canGrow = ({ carrier }: Cell): boolean => carrier !== 'documents' && carrier !== 'yaml';

/**
 * Measures a suspicious cell again, in a process of its own: with more tries; where it still is suspicious at all
 * sizes; and where it is too steep at four times the sizes and limits, where a fixed cost shows less.
 */
export async function confirmed(
  cell: Cell,
  tell: (what: string, cell: Cell) => void = () => undefined,
): Promise<Cell> {
  if (cell.fault !== undefined) tell('fault', cell);
  const { carrier, dimension, entrance } = cell;
  const steps = [
    { above: suspicious, quick: true, room: 1 },
    { above: suspicious, quick: false, room: 1 },
    ...(canGrow(cell) ? [{ above: steepest, quick: false, room: 4 }] : []),
  ];
  let kept = cell;
  for (const { above, quick, room } of steps) {
    if (kept.fault !== undefined || slope(kept) <= above) break;
    tell('suspicious', kept);
    const exactly = { carrier, dimension };
    const [again] = await run({ entrances: [entrance], quick, tries: 3, room, exactly });
    if (again === undefined) break;
    // More sizes say more than fewer; the same sizes count where they are flatter.
    kept = quick || room > 1 ? flatter(kept, again) : again;
  }
  return kept;
}
