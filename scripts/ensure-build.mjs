// Builds dist/ before `npm start` and `npm run demo` where the compiler is installed. A production
// install (`npm ci --omit=dev`) has no compiler and runs the dist/ that came with the package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { pruneBuild } from './prune-build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Path of the TypeScript compiler, or undefined in a production install. */
function findCompiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

const compiler = findCompiler();
if (compiler !== undefined) {
  const { status } = spawnSync(process.execPath, [compiler], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  pruneBuild(root);
} else if (!existsSync(new URL('../dist/src/main.js', import.meta.url))) {
  console.error(
    'mcgms is not built: run `npm ci && npm run build` once, then install without dev dependencies.',
  );
  process.exit(1);
}
