import { expect } from 'chai';
import fc from 'fast-check';
import { table, visible } from '../../../src/cli/table.js';

describe('A table on a terminal', () => {
  it('has columns as wide as their widest cell, and hyphens for what is empty', () => {
    const text = table(
      ['PEER', 'STATE', 'REASON'],
      [
        ['b', 'reachable', ''],
        ['fire-north', '', 'no answer'],
      ],
    );
    expect(text).to.equal(
      [
        'PEER        STATE      REASON',
        'b           reachable  -',
        'fire-north  -          no answer',
        '',
      ].join('\n'),
    );
  });

  it('leaves out columns that hold nothing, but never the first', () => {
    expect(table(['A', 'B', 'C'], [['', '', 'x']])).to.equal('A  C\n-  x\n');
    expect(table(['A', 'B'], [])).to.equal('A\n');
  });

  it('counts characters, not code units', () => {
    expect(table(['A', 'B'], [['\u{1F692}', 'x']])).to.equal('A  B\n\u{1F692}  x\n');
  });

  it('is one line for each row with nothing that a terminal acts on, whatever the cells say', () => {
    const cell = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
        const text = table(['A', 'B'], rows);
        expect(text.split('\n')).to.have.lengthOf(rows.length + 2);
        expect(text.replaceAll('\n', '')).to.not.match(/\p{Cc}|\p{Cf}/u);
      }),
    );
    expect(visible('\u001b[2Ja\r\nb\u202e')).to.equal('\uFFFD[2Ja b\uFFFD');
  });
});
