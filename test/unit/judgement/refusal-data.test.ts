import { expect } from 'chai';
import { InsufficientStorage, NotFound, type RequestRefused } from '../../../src/base/refusals.js';
import { fromData, toData } from '../../../src/judgement/refusal-data.js';
import * as conflicts from '../../../src/xcap/conflicts.js';
import { MissingParent } from '../../../src/xcap/edit.js';

/** Every class of conflicts.ts that can be thrown, found rather than listed: a new one must cross threads too. */
function conflictClasses(): (new (phrase: string, more?: unknown) => RequestRefused)[] {
  return Object.values(conflicts).flatMap((each) => {
    const isClass = typeof each === 'function' && each.prototype instanceof conflicts.XcapConflict;
    return isClass ? [each as unknown as new (phrase: string, more?: unknown) => RequestRefused] : [];
  });
}

describe('design D21: refusals of a document that is judged in another thread', () => {
  const crossed = (refusal: RequestRefused): RequestRefused => {
    const data = toData(refusal);
    if (data === undefined) return expect.fail(`${refusal.name} does not cross`);
    return fromData(structuredClone(data));
  };

  it('there are conflicts of every kind', () => {
    expect(conflictClasses()).to.have.length.above(9);
  });

  for (const Conflict of conflictClasses()) {
    it(`${Conflict.name} arrives as it was, its xcap-error element too`, () => {
      const taken = [{ field: 'a/@b', alternatives: ['x'] }];
      const more = Conflict.name === 'UniquenessFailure' ? taken : 'details';
      const refusal = new Conflict('the phrase', more);
      const arrived = crossed(refusal);
      expect(arrived).to.be.instanceOf(Conflict);
      expect(arrived.phrase).to.equal('the phrase');
      expect(arrived.message).to.equal(refusal.message);
      if (!(arrived instanceof conflicts.XcapConflict) || !(refusal instanceof conflicts.XcapConflict)) {
        return expect.fail('it is no conflict');
      }
      expect(conflicts.writeXcapError(arrived)).to.equal(conflicts.writeXcapError(refusal));
    });
  }

  it('404 and a missing parent arrive as well, the latter with its last step', () => {
    expect(crossed(new NotFound('nothing'))).to.be.instanceOf(NotFound);
    expect(crossed(new InsufficientStorage('too large'))).to.be.instanceOf(InsufficientStorage);
    const step = { name: undefined, position: 1, attribute: undefined, upTo: 'a' };
    const arrived = crossed(new MissingParent(step));
    expect(arrived).to.be.instanceOf(MissingParent).with.property('lastStep').that.deep.equals(step);
  });

  it('a fault of the program is no refusal', () => {
    expect(toData(new TypeError('oops'))).to.equal(undefined);
  });
});
