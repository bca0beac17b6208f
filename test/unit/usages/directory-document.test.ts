import { expect } from 'chai';
import type { Auid, ETag } from '../../../src/base/identifiers.js';
import { createDirectoryUsage, isDirectory, writeDirectory } from '../../../src/usages/directory-document.js';
import { parseRequestUri } from '../../../src/xcap/request-uri.js';
import { attribute } from '../../../src/xml/tree.js';
import { validTree } from '../../conformance/expectations.js';

describe('OMA XDM Core 6.7.2 the XCAP directory', () => {
  it('writes a valid document, whatever the names hold', () => {
    const entry = { uri: '/a?"<&>\'', etag: 'tag"<' as ETag, modified: 0, size: 12 };
    const tree = validTree(
      'xcap-directory',
      [
        ...writeDirectory([
          { auid: 'a&b' as Auid, entries: [entry, entry] },
          { auid: 'c' as Auid, errorCode: '403 Forbidden' },
        ]),
      ].join(''),
    );
    const [folder, closed] = tree.children;
    expect(folder && attribute(folder, 'auid')).to.equal('a&b');
    const values = folder?.children.map(({ attributes }) => attributes.map(({ value }) => value));
    const listed = ['/a?"<&>\'', 'tag"<', '1970-01-01T00:00:00.000Z', '12'];
    expect(values).to.deep.equal([listed, listed]);
    expect(closed?.children.map(({ local }) => local)).to.deep.equal(['error-code']);
  });

  it('may be empty', () => {
    expect(validTree('xcap-directory', [...writeDirectory([])].join('')).children).to.deep.equal([]);
  });

  it('is one document in each tree', () => {
    const isOne = (path: string): boolean =>
      isDirectory(parseRequestUri(`/x/d/${path}`, '/x', 1000).document);
    expect(isOne('users/sip:a@b/directory.xml')).to.equal(true);
    expect(isOne('global/directory.xml')).to.equal(true);
    for (const other of [
      'global/',
      'global/other.xml',
      'global/a/directory.xml',
      'users/sip:a@b/directory.xml/',
    ]) {
      expect(isOne(other), other).to.equal(false);
    }
    expect(createDirectoryUsage().schema).to.equal('xcap-directory');
  });
});
