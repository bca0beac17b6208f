import type { Entrance } from './measure.js';
import { otherEntrances } from './other-entrances.js';
import { operatorEntrances, peerEntrances } from './peer-entrances.js';
import { ownEntrances, xcapEntrances } from './xcap-entrances.js';

/** Every entrance. A test asks the server itself which there are, and fails where one is missing here. */
export const entrances: readonly Entrance[] = [
  ...xcapEntrances,
  ...ownEntrances,
  ...peerEntrances,
  ...operatorEntrances,
  ...otherEntrances,
];

/** So many octets are one thing, of which the planted entrance looks at all others: well above the noise. */
const grain = 32;

/** An entrance that does what none may, so that it is seen that this would be noticed. */
function planted(what: string, work: (octets: number) => void): Entrance {
  return {
    name: `planted: ${what}`,
    house: `planted: ${what}`,
    covers: [],
    takes: ['value'],
    open: () =>
      Promise.resolve({
        ask: ({ body = '' }) => {
          work(body.length);
          return Promise.resolve(200);
        },
        close: () => Promise.resolve(),
      }),
  };
}

export const plantedEntrances: readonly Entrance[] = [
  planted('time', (octets) => {
    const count = octets / grain;
    const seen = new Uint8Array(count);
    for (let one = 0; one < count; one += 1) for (let other = 0; other < count; other += 1) seen[other] = one;
  }),
  planted('memory', (octets) => {
    Array.from({ length: octets / 256 }, () => Buffer.alloc(octets / 2, 1));
  }),
  planted('end', () => process.exit(1)),
];
