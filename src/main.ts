#!/usr/bin/env node
import { tooFewDescriptors } from './base/descriptors.js';

/**
 * The entrance. Subtle: loading the program opens its modules at the same time, so with too few descriptors it ends
 * before its first line. Hence it is loaded from here, once that is known.
 */

const wrong = tooFewDescriptors();
if (wrong === undefined) {
  await import('./program.js');
} else {
  process.stderr.write(`mcgms: ${wrong}\n`);
  process.exitCode = 1;
}
