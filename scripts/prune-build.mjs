// Removes from dist/ what was compiled from a file that is no longer there. The compiler leaves such output
// behind when a source moves, and mocha would go on running an old test.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const output = /\.js(?:\.map)?$/;

/**
 * Removes each compiled file in `root`/dist whose source is not there, and the folders that this leaves
 * empty. Must run after the compiler: its record of what is built then no longer holds the files removed.
 *
 * @param {string} root the folder that holds dist/ and the sources
 * @returns {string[]} the paths of the files removed, below dist/
 */
export function pruneBuild(root) {
  const removed = [];
  /** Prunes the folder at `path` below dist/; tells whether it is empty then. */
  const prune = (path) => {
    const folder = join(root, 'dist', path);
    let left = 0;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = join(path, entry.name);
      if (entry.isDirectory()) {
        if (prune(file)) rmdirSync(join(folder, entry.name));
        else left += 1;
      } else if (output.test(entry.name) && !existsSync(join(root, file.replace(output, '.ts')))) {
        rmSync(join(folder, entry.name));
        removed.push(file);
      } else {
        left += 1;
      }
    }
    return left === 0;
  };
  if (existsSync(join(root, 'dist'))) prune('');
  return removed.sort();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
  for (const file of pruneBuild(root)) console.log(`removed dist/${file}: it has no source`);
}
