import { expect } from 'chai';
import { InsufficientStorage } from '../../../src/base/refusals.js';
import { ownForm } from '../../../src/usages/offered-usage.js';
import { writeOwnForm } from '../../../src/usages/own-writer.js';

class Turns {
  taken = 0;

  turn(): Promise<void> {
    this.taken += 1;
    return Promise.resolve();
  }
}

describe('A document that the server writes out of many others (design D21)', () => {
  const pieces = Array.from({ length: 2500 }, (_, index) => `<é${'x'.repeat(index % 700)}/>`);

  it('has the tag that its text has otherwise', async () => {
    const form = await writeOwnForm(pieces, { clock: new Turns() });
    expect(form).to.deep.equal(ownForm(pieces.join('')));
  });

  it('gives others their turns, by pieces and by characters', async () => {
    const byPieces = new Turns();
    await writeOwnForm(
      Array.from({ length: 30_000 }, () => '<a/>'),
      { clock: byPieces },
    );
    expect(byPieces.taken).to.be.within(30, 60);
    const byCharacters = new Turns();
    await writeOwnForm(
      Array.from({ length: 20 }, () => 'x'.repeat(300_000)),
      { clock: byCharacters },
    );
    expect(byCharacters.taken).to.equal(20);
  });

  it('is refused as soon as it is too large, counted in octets', async () => {
    let asked = 0;
    function* endless(): Iterable<string> {
      for (;;) {
        asked += 1;
        yield 'éé';
      }
    }
    const refusal = await writeOwnForm(endless(), { clock: new Turns(), most: 10_000 }).catch(
      (error: unknown) => error,
    );
    expect(refusal).to.be.instanceOf(InsufficientStorage);
    expect((refusal as InsufficientStorage).phrase).to.include('10000 octets');
    expect(asked).to.be.below(5000);
    const most = Buffer.byteLength(pieces.join(''), 'utf8');
    expect((await writeOwnForm(pieces, { clock: new Turns(), most })).body).to.equal(pieces.join(''));
    const over = await writeOwnForm(pieces, { clock: new Turns(), most: most - 1 }).catch(
      (error: unknown) => error,
    );
    expect(over).to.be.instanceOf(InsufficientStorage);
  });
});
