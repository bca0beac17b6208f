import { expect } from 'chai';
import type { ETag } from '../../../src/base/identifiers.js';
import { Renditions } from '../../../src/documents/renditions.js';
import type { Form } from '../../../src/documents/state.js';
import { tree } from '../interconnection/parts.js';

function form(body: string, etag = 't'): Form {
  return { etag: etag as ETag, body, modified: 0 };
}

describe('The bytes and trees of documents', () => {
  const kept = new Renditions(1 << 20);

  it('are made once, and again once they are forgotten', () => {
    const one = form('<a>é</a>');
    const [bytes, gated] = [kept.bytesOf(one), kept.treeOf(one)];
    expect(bytes.toString('utf8')).to.equal(one.body);
    expect(kept.bytesOf(one)).to.equal(bytes);
    expect(kept.treeOf(one)).to.equal(gated);
    kept.forget(one);
    expect(kept.bytesOf(one)).not.to.equal(bytes);
    expect(kept.treeOf(one)).not.to.equal(gated);
  });

  it('are those that the document was read with, where it has just been read', () => {
    const gated = tree('<a>read</a>');
    const one = form(gated.text, 'read');
    kept.keep(one, gated);
    expect(kept.treeOf(one)).to.equal(gated);
    expect(kept.bytesOf(one).toString('utf8')).to.equal(gated.text);
  });

  it('a tree counts for more than its text: where it finds no room, it is made each time', () => {
    const one = form(`<a>${'<b/>'.repeat(100)}</a>`);
    const small = new Renditions(2000);
    expect(small.bytesOf(one)).to.equal(small.bytesOf(one));
    expect(small.treeOf(one)).not.to.equal(small.treeOf(one));
  });
});
