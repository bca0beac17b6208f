// `npm run dev -- [options of serve]`: builds on each change of a source and restarts the server on each
// build. Ctrl-C ends the server, then the compiler, then this.
import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pruneBuild } from './prune-build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const program = join(root, 'dist/src/main.js');

// The server needs something to start from. Type errors do not keep it from starting: what was compiled in
// spite of them is run, as it is on each later change.
spawnSync(process.execPath, [compiler], { cwd: root, stdio: 'inherit' });
pruneBuild(root);

// Groups of their own: on Ctrl-C the terminal signals its whole group, and the server would take the second
// signal, which comes from here, as the wish to end without finishing its answers.
const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true };
const children = [
  spawn(process.execPath, ['--watch', '--enable-source-maps', program, ...process.argv.slice(2)], options),
  spawn(process.execPath, [compiler, '--watch', '--preserveWatchOutput'], options),
];

let ending = false;
const end = () => {
  if (ending) return;
  ending = true;
  for (const child of children) child.kill('SIGTERM');
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
// Neither is of use without the other.
for (const child of children) child.once('exit', end);
