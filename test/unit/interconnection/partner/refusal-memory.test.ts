import { expect } from 'chai';
import type { GroupId } from '../../../../src/base/identifiers.js';
import { RefusalMemory } from '../../../../src/interconnection/partner/refusal-memory.js';
import { ManualClock } from '../../../support/manual-clock.js';
import { a, b, joint } from '../parts.js';

describe('The memory of refusals has parts (design D21)', () => {
  const user = { kind: 'user' } as const;
  const server = { kind: 'mc-service-server' } as const;
  const invented = (number: number, length = 0): GroupId =>
    `sip:${'n'.repeat(length)}${number}@police.example` as GroupId;
  let clock: ManualClock;
  let memory: RefusalMemory;

  beforeEach(() => {
    clock = new ManualClock();
    memory = new RefusalMemory(1000, clock);
  });

  const fill = (primary: typeof a, count: number): void => {
    for (let number = 0; number < count; number += 1) memory.add(primary, invented(number), user);
  };

  it('what one asker was told holds for all, of that primary and for its time', () => {
    memory.add(a, joint, user);
    expect([memory.has(a, joint), memory.has(b, joint)]).to.deep.equal([true, false]);
    clock.advance(1000);
    expect(memory.has(a, joint)).to.equal(false);
  });

  it('invented groups of users push out nothing that MC service servers were told', () => {
    memory.add(a, joint, server);
    fill(a, 20_000);
    expect(memory.has(a, joint)).to.equal(true);
    expect([memory.has(a, invented(0)), memory.has(a, invented(19_999))]).to.deep.equal([false, true]);
  });

  it('nor what another primary said', () => {
    memory.add(b, joint, user);
    fill(a, 20_000);
    expect(memory.has(b, joint)).to.equal(true);
  });

  it('long group IDs are remembered within the same bound', () => {
    for (let number = 0; number < 300; number += 1) memory.add(a, invented(number, 5000), user);
    expect([memory.has(a, invented(0, 5000)), memory.has(a, invented(299, 5000))]).to.deep.equal([
      false,
      true,
    ]);
  });
});
