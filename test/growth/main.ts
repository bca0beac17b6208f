import { parseArgs } from 'node:util';
import type { Order } from './child.js';
import { dimensions } from './dimensions.js';
import { entrances } from './entrances.js';
import { confirmed, faultOf, run } from './judge.js';
import type { Cell } from './measure.js';

/**
 * The growth test as a command: every entrance with every dimension that a sender controls there, doubled four
 * times. Prints the table of what was measured, steepest first, and a count. Exit code 1 where a cell grows faster
 * than its input.
 */

const { values } = parseArgs({
  options: {
    /** Fewer and smaller sizes, each tried once. */
    quick: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    /** Words that names of entrances must hold. */
    entrance: { type: 'string', default: '' },
    /** Words that `carrier: dimension` must hold. */
    dimension: { type: 'string', default: '' },
    /** Says of each cell at once what was measured. */
    verbose: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    /** The most rows that are printed; 0 for all. */
    rows: { type: 'string', default: '40' },
  },
});

function houses(): Order[] {
  const byHouse = new Map<string, string[]>();
  for (const { house, name } of entrances) {
    if (name.includes(values.entrance)) byHouse.set(house, [...(byHouse.get(house) ?? []), name]);
  }
  return [...byHouse.values()].map((names) => ({
    entrances: names,
    quick: values.quick,
    dimension: values.dimension,
  }));
}

async function measureAll(): Promise<Cell[]> {
  const waiting = houses();
  const cells: Cell[] = [];
  const work = async (): Promise<void> => {
    for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
      const measured = await run(order, (cell) => {
        if (values.verbose) told('measured', cell);
      });
      for (const cell of measured) cells.push(await confirmed(cell, told));
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  return cells;
}

/** Long runs say at once what they have found. */
function told(what: string, cell: Cell): void {
  console.error(`${what}: ${row(cell).join('  ')}`);
}

const exponent = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(2));

function octets(size: number): string {
  return size < 1024
    ? String(Math.round(size))
    : size < 1024 ** 2
      ? `${Math.round(size / 1024)} K`
      : `${Math.round(size / 1024 ** 2)} M`;
}

const heads = ['entrance', 'dimension', 'time', 'heap', 'largest', 'ms', 'peak', 'status'];

function row(cell: Cell): string[] {
  return [
    cell.entrance,
    `${cell.carrier}: ${cell.dimension}`,
    exponent(cell.time),
    exponent(cell.heap),
    cell.carrier === 'documents' ? String(cell.largest) : octets(cell.largest),
    cell.longest.toFixed(1),
    octets(cell.peak),
    cell.statuses.join(' '),
  ];
}

function print(rows: readonly string[][]): void {
  const table = [heads, ...(values.markdown ? [heads.map(() => '---')] : []), ...rows];
  const widths = heads.map((_, at) => Math.max(...table.map((each) => each[at]?.length ?? 0)));
  for (const each of table) {
    const cells = each.map((text, at) => text.padEnd(widths[at] ?? 0));
    console.log(values.markdown ? `| ${cells.join(' | ')} |` : cells.join('  ').trimEnd());
  }
}

/** Growth that is planted, measured like all other: where it passes, nothing else can be believed. */
async function plantedIsSeen(): Promise<boolean> {
  const order = { entrances: ['planted: time'], quick: values.quick, dimension: 'one long value' };
  const [cell] = await run(order);
  return cell !== undefined && faultOf(await confirmed(cell)) !== undefined;
}

const steepness = (cell: Cell): number => Math.max(cell.time ?? 0, cell.heap ?? 0) + cell.longest / 1e6;

const started = performance.now();
const cells = await measureAll();
cells.sort((one, other) => steepness(other) - steepness(one));
const rows = Number(values.rows);
print((rows === 0 ? cells : cells.slice(0, rows)).map(row));
const faults = cells.flatMap((cell) => {
  const fault = faultOf(cell);
  return fault === undefined ? [] : [`${cell.entrance}, ${cell.carrier}: ${cell.dimension}: ${fault}`];
});
if (!(await plantedIsSeen())) faults.push('growth that was planted passes');
for (const fault of faults) console.log(`FAILED ${fault}`);
const kinds = Object.values(dimensions).reduce((sum, each) => sum + Object.keys(each).length, 0);
const seconds = ((performance.now() - started) / 1000).toFixed(0);
console.log(
  `growth: ${entrances.length} entrances, ${kinds} dimensions, ${cells.length} cells in ${seconds} s: ` +
    `${cells.length + 1 - faults.length} passed, ${faults.length} failed`,
);
process.exitCode = faults.length === 0 && cells.length > 0 ? 0 : 1;
