import { expect } from 'chai';
import type { RequestRefused } from '../../src/base/refusals.js';

/** Asserts that `work` ends in a refusal of this class, whose message includes `says`. */
export async function expectRefused(
  work: () => unknown,
  refusal: abstract new (...parts: never[]) => RequestRefused,
  says = '',
): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error).to.be.instanceOf(refusal);
    expect((error as RequestRefused).message).to.include(says);
    return;
  }
  expect.fail('it was not refused');
}
