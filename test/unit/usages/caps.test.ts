import { expect } from 'chai';
import { NotFound } from '../../../src/base/refusals.js';
import { capsName, createCapsUsage, writeCaps } from '../../../src/usages/caps.js';
import { documentName } from '../../../src/xcap/request-uri.js';
import { gateText } from '../../../src/xml/gate.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

describe('RFC 4825 §12 server capabilities', () => {
  it('are valid against their schema and list each usage and namespace once', () => {
    const usage = createCapsUsage();
    const text = writeCaps([usage, usage]);
    schemas().validate('xcap-caps', text);
    const [auids, , namespaces] = gateText(text, limits).tree.children;
    expect(auids?.children).to.have.length(1);
    expect(namespaces?.children).to.have.length(usage.namespaces.length);
  });

  it('are the one document of their usage', () => {
    const path = ['index'];
    const { auid } = createCapsUsage();
    expect(createCapsUsage().nameOf({ auid, tree: 'global', xui: undefined, path })).to.equal(capsName);
    expect(documentName({ auid, tree: 'global', xui: undefined, path })).to.equal(capsName);
    expect(() => createCapsUsage().nameOf({ auid, tree: 'global', xui: undefined, path: [] })).to.throw(
      NotFound,
    );
  });
});
