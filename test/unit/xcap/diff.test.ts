import { expect } from 'chai';
import type { ETag } from '../../../src/base/identifiers.js';
import { writeXcapDiff } from '../../../src/xcap/diff.js';
import { gateText } from '../../../src/xml/gate.js';
import { attribute } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

describe('RFC 5874 §3 xcap-diff documents', () => {
  const root = 'https://xcap.police.example/root';

  it('tell a document that came, one that changed and one that went', () => {
    const text = writeXcapDiff(root, [
      { selector: 'a/global/came', newETag: 'n1' as ETag, previousETag: undefined },
      { selector: 'a/global/changed', newETag: 'n2' as ETag, previousETag: 'p2' as ETag },
      { selector: 'a/global/went&"<', newETag: undefined, previousETag: 'p3' as ETag },
    ]);
    schemas().validate('xcap-diff', text);
    const { tree } = gateText(text, limits);
    expect(attribute(tree, 'xcap-root')).to.equal(root);
    expect(
      tree.children.map((child) =>
        ['sel', 'new-etag', 'previous-etag'].map((name) => attribute(child, name)),
      ),
    ).to.deep.equal([
      ['a/global/came', 'n1', undefined],
      ['a/global/changed', 'n2', 'p2'],
      ['a/global/went&"<', undefined, 'p3'],
    ]);
  });

  it('may tell nothing', () => {
    schemas().validate('xcap-diff', writeXcapDiff(root, []));
  });
});
