import { expect } from 'chai';

/**
 * How the processor time of some work grows with its input. What counts is the time of this process, not that
 * of the clock on the wall, so that a busy machine changes little; and bounds are wide, since linear and quadratic
 * growth lie far apart: over four doublings, 16 and 256.
 */

/** How often each input is tried. The best try counts, since all that disturbs makes a try longer. */
const tries = 3;

/** Growth over four doublings that still counts as linear. */
const mostGrowth = 40;

/** Milliseconds of processor time in which garbage collection and compilation may show, whatever the input. */
const disturbance = 25;

function processorTime(work: () => void): number {
  let best = Infinity;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/**
 * Asserts that `work` on an input made for `size` doubled four times takes linear time.
 *
 * @param size large enough for quadratic work on 16 times as much to take well over 25 ms
 */
export function expectLinear<T>(make: (size: number) => T, work: (input: T) => void, size: number): void {
  const times = [1, 2, 4, 8, 16].map((factor) => {
    const input = make(size * factor);
    return processorTime(() => {
      work(input);
    });
  });
  const [first = NaN] = times;
  const allowed = mostGrowth * first + disturbance;
  const figures = times.map((time) => time.toFixed(1)).join(', ');
  expect(times.at(-1), `milliseconds for an input doubled four times: ${figures}`).to.be.at.most(allowed);
}
