import type { ETag } from '../../src/base/identifiers.js';
import { Renditions } from '../../src/documents/renditions.js';
import { GroupReadings } from '../../src/groups/reading.js';
import { gateBytes } from '../../src/xml/gate.js';
import { worstShapes } from './worst-shapes.js';

/**
 * Fills a cache with documents of one shape until far more came than it may keep, and writes how much memory it
 * holds. Run in a process of its own with `--expose-gc`: the arguments are the cache, the shape and the bound.
 */

const [cache = '', shape = '', bound = '0'] = process.argv.slice(2);
const capacity = Number(bound);
const make = worstShapes[shape];
if (make === undefined) throw new Error(`there is no shape ${shape}`);
const limits = { depth: 64, attributes: 256, namespaces: 64, elements: 50_000 };

const fillers: Readonly<
  Record<string, () => { readonly add: (etag: ETag, bytes: Buffer) => void; readonly kept: unknown }>
> = {
  trees: () => {
    const kept = new Renditions(capacity);
    const add = (etag: ETag, bytes: Buffer): void => {
      const gated = gateBytes(bytes, limits);
      kept.keep({ etag, body: gated.text, modified: 0 }, gated);
    };
    return { add, kept };
  },
  bytes: () => {
    const kept = new Renditions(capacity);
    const add = (etag: ETag, bytes: Buffer): void => {
      kept.bytesOf({ etag, body: bytes.toString('utf8'), modified: 0 });
    };
    return { add, kept };
  },
  readings: () => {
    const kept = new GroupReadings(capacity);
    const add = (etag: ETag, bytes: Buffer): void => {
      kept.of({ etag, body: bytes.toString('utf8'), modified: 0 });
    };
    return { add, kept };
  },
};

/** What is alive, twice over: what is freed by one collection may hold what the next one frees. */
function alive(): number {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const filler = fillers[cache];
if (filler === undefined) throw new Error(`there is no cache ${cache}`);
// What is compiled and made once must not count.
filler().add('first' as ETag, make(0));
const before = alive();
const { add, kept } = filler();
let octets = 0;
for (let at = 1; octets < 1.5 * capacity; at += 1) {
  const bytes = make(at);
  octets += Math.max(bytes.length, 300);
  add(`tag-${at}` as ETag, bytes);
}
const held = alive() - before;
// It is asked here, so that it is alive until then.
process.stdout.write(JSON.stringify({ held, cache: typeof kept }));
