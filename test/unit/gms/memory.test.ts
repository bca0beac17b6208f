import { expect } from 'chai';
import { memoryParts } from '../../../src/gms/memory.js';

describe('The memory for documents is divided (law L3 of design D21)', () => {
  for (const cacheBytes of [0, 1, 64 * 1024 * 1024]) {
    it(`the parts of ${cacheBytes} bytes are ${cacheBytes} together, and each has some`, () => {
      const parts = Object.values(memoryParts(cacheBytes));
      expect(parts.reduce((sum, part) => sum + part, 0)).to.equal(cacheBytes);
      for (const part of parts) expect(part > 0).to.equal(cacheBytes > 0);
    });
  }
});
