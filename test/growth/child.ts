import { dimensions } from './dimensions.js';
import { entrances, plantedEntrances } from './entrances.js';
import type { Carrier } from './load.js';
import { measure, quick, thorough, type Cell, type Entrance, type Thoroughness } from './measure.js';

/**
 * The process that is measured. Its argument is the order as JSON; it writes one line of JSON before each cell and
 * one with its figures behind it, so that a cell that ends the process is known too.
 */

export interface Order {
  readonly entrances: readonly string[];
  readonly quick: boolean;
  readonly tries?: number;
  readonly room?: number;
  /** Words that the dimension must hold, and the carrier must be; all where left out. */
  readonly dimension?: string;
  readonly exactly?: { readonly carrier: Carrier; readonly dimension: string };
}

export type Report =
  { readonly started: Pick<Cell, 'entrance' | 'carrier' | 'dimension'> } | { readonly cell: Cell };

function report(what: Report): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function isWanted(order: Order, carrier: Carrier, dimension: string): boolean {
  if (order.exactly !== undefined) {
    return order.exactly.carrier === carrier && order.exactly.dimension === dimension;
  }
  return `${carrier}: ${dimension}`.includes(order.dimension ?? '');
}

/** How many entrances each dimension meets in the short form; all where fewer take its carrier. */
const meetings = 4;

/** Whether this entrance meets the dimension in the short form. Its neighbours meet the others. */
function isMet(entrance: Entrance, carrier: Carrier, index: number): boolean {
  const takers = entrances.filter(({ takes }) => takes.includes(carrier));
  const oneIn = Math.max(1, Math.floor(takers.length / meetings));
  return (takers.indexOf(entrance) + index) % oneIn === 0;
}

async function measureEntrance(entrance: Entrance, order: Order): Promise<void> {
  const usual = order.quick ? quick : thorough;
  const how: Thoroughness = { ...usual, tries: order.tries ?? usual.tries, room: order.room ?? 1 };
  const session = await entrance.open(how.room);
  try {
    for (const carrier of entrance.takes) {
      for (const [index, dimension] of Object.keys(dimensions[carrier]).entries()) {
        if (!isWanted(order, carrier, dimension)) continue;
        const isShort = order.quick && order.exactly === undefined && (order.dimension ?? '') === '';
        if (isShort && !isMet(entrance, carrier, index)) continue;
        report({ started: { entrance: entrance.name, carrier, dimension } });
        const cell = await measure(entrance, session, carrier, dimension, how);
        if (cell !== undefined) report({ cell });
      }
    }
  } finally {
    await session.close();
  }
}

const order = JSON.parse(process.argv[2] ?? '{}') as Order;
for (const entrance of [...entrances, ...plantedEntrances]) {
  if (order.entrances.includes(entrance.name)) await measureEntrance(entrance, order);
}
// What is left open would keep the process.
process.exit(0);
