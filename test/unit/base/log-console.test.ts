import { expect } from 'chai';
import { logConsole } from '../../../src/base/log.js';
import { RecordedLog } from '../../support/log.js';

describe('What libraries print on the console', () => {
  const { error, warn } = console;

  afterEach(() => {
    Object.assign(console, { error, warn });
  });

  it('becomes one line of the log each, in their words, without stack or path', () => {
    const log = new RecordedLog();
    let ended = 0;
    logConsole(log, () => (ended += 1));
    console.error(new Error('Input/output error: writing /srv/data/store.mdb failed\n  and more'));
    console.warn('no good', { secret: 1 });
    console.error("open '/srv/x/y'");
    expect(log.lines.map(({ fields }) => fields['says'])).to.deep.equal([
      'Input/output error: writing (a path) failed',
      'no good something',
      "open '(a path)'",
    ]);
    expect(ended).to.equal(3);
  });
});
