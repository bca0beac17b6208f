import { createLog } from '../../src/base/log.js';
import { systemClock } from '../../src/base/clock.js';
import { systemRandom } from '../../src/base/random.js';
import { defaultConfig, type ConfigInput } from '../../src/gms/config.js';
import { createGms } from '../../src/gms/gms.js';

/**
 * A server in a process of its own, with the configuration in its first argument. It says its XCAP root, and at
 * each line of input how much memory it uses: what is on the heap and outside of it, without what is only waiting
 * to be collected.
 */

const config = defaultConfig(JSON.parse(process.argv[2] ?? '{}') as ConfigInput);
const gms = await createGms(config, { clock: systemClock, random: systemRandom, log: createLog('error') });
process.stdout.write(`${gms.root}\n`);

process.stdin.on('data', () => {
  // Twice, since buffers are let go of in the turn after their objects.
  globalThis.gc?.();
  setImmediate(() => {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    process.stdout.write(`${heapUsed + external}\n`);
  });
});
process.stdin.on('end', () => {
  void gms.close();
});
