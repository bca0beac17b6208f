import { expect } from 'chai';
import { InsufficientStorage } from '../../../src/base/refusals.js';
import { checkSelectable } from '../../../src/http/xcap/selectable.js';

const head = '<?xml version="1.0" encoding="UTF-8"?>\n';

describe('RFC 4825 §8.3 nodes of documents that the server writes (design D21)', () => {
  const text = (elements: number): string => `${head}<a>${'<b><!-- --></b>'.repeat(elements - 1)}</a>`;

  it('are selected in as many elements as a document of a client may have', () => {
    checkSelectable(text(50_000));
    expect(() => {
      checkSelectable(text(50_001));
    }).to.throw(InsufficientStorage);
  });

  it('are not selected in a text that is too long, however few elements it has', () => {
    const of = (length: number): string => `${head}<a b="${'x'.repeat(length)}"/>`;
    checkSelectable(of(8_000_000));
    expect(() => {
      checkSelectable(of(9_000_000));
    }).to.throw(InsufficientStorage, 'read it as a whole');
  });
});
