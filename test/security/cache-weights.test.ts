import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { worstShapes } from '../support/worst-shapes.js';

/**
 * Law L3 of design D21: what is held in memory is bounded in sum, in real octets. What is measured is the memory of a
 * process, not what the cache thinks that it holds.
 */

const bound = 6 * 1024 * 1024;

const run = promisify(execFile);
const child = fileURLToPath(new URL('../support/heap-child.js', import.meta.url));

async function heldBy(cache: string, shape: string): Promise<number> {
  const { stdout } = await run(process.execPath, ['--expose-gc', child, cache, shape, String(bound)]);
  return (JSON.parse(stdout) as { readonly held: number }).held;
}

/** The shapes that weigh most in each cache. */
const cases: Readonly<Record<string, readonly string[]>> = {
  trees: Object.keys(worstShapes),
  bytes: ['tiny documents', 'characters of two bytes'],
  readings: ['many members', 'many rules', 'tiny documents'],
};

describe('A cache holds no more memory than its bound says (design D21)', () => {
  for (const [cache, shapes] of Object.entries(cases)) {
    for (const shape of shapes) {
      it(`${cache} of documents with ${shape}`, async function () {
        this.timeout(120_000);
        expect(await heldBy(cache, shape)).to.be.at.most(1.5 * bound);
      });
    }
  }
});
