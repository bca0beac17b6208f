import { expect } from 'chai';
import { BadRequest, NotFound, UriTooLong } from '../../../src/base/refusals.js';
import { documentName, isFolder, parseRequestUri } from '../../../src/xcap/request-uri.js';

const root = '/xcap-root';
const maxLength = 8192;

function parse(target: string, xcapRoot = root): ReturnType<typeof parseRequestUri> {
  return parseRequestUri(target, xcapRoot, maxLength);
}

function nameOf(path: string): string {
  return documentName(parse(`${root}${path}`).document);
}

describe('RFC 4825 §6.1, §6.2 document selectors', () => {
  it('name a usage, a tree and a path', () => {
    expect(parse('/xcap-root/pres-rules/global/a/index').document).to.deep.equal({
      auid: 'pres-rules',
      tree: 'global',
      xui: undefined,
      path: ['a', 'index'],
    });
  });

  it('name a user in the users tree', () => {
    const { document } = parse('/xcap-root/resource-lists/users/sip%3Ajoe%40police.example/index');
    expect(document).to.include({ tree: 'users', xui: 'sip:joe@police.example' });
    expect(document.path).to.deep.equal(['index']);
  });

  it('may stand below the root of the host, or below a longer XCAP root', () => {
    expect(parse('/a/global/b', '').document.path).to.deep.equal(['b']);
    expect(parse('/services/xcap/a/global/b', '/services/xcap').document.path).to.deep.equal(['b']);
  });

  for (const [target, why] of [
    ['/', 'nothing is below the XCAP root'],
    ['/xcap-root', 'the XCAP root itself is no document'],
    ['/other-root/a/global/b', 'not below the XCAP root'],
    ['/xcap-rootless/a/global/b', 'a longer name is another one'],
    ['/xcap-root/', 'no usage'],
    ['/xcap-root/a', 'no tree'],
    ['/xcap-root/a/other/b', 'a tree that does not exist'],
    ['/xcap-root/a/Global/b', 'trees are told apart by case'],
    ['/xcap-root/a/users', 'no XUI'],
    ['/xcap-root/a/users/', 'an empty XUI'],
  ] as const) {
    it(`${target} is not found: ${why}`, () => {
      expect(() => parse(target)).to.throw(NotFound);
    });
  }

  for (const path of ['/a/global', '/a/global/', '/a/global/b/', '/a/users/u', '/a/users/u/']) {
    it(`${path} is a folder`, () => {
      expect(isFolder(parse(`${root}${path}`).document)).to.equal(true);
    });
  }

  it('are compared with the XCAP root octet by octet', () => {
    expect(() => parse('/xcap%2Droot/a/global/b')).to.throw(NotFound);
  });
});

describe('RFC 3986 §2 percent-encoding in document selectors', () => {
  for (const [name, spellings] of [
    [
      'a/global/byGroupID/sip%3Ag%40police.example',
      [
        '/a/global/byGroupID/sip:g@police.example',
        '/a/global/byGroupID/sip%3Ag%40police.example',
        '/a/global/byGroupID/sip%3ag%40police.example',
        '/a/global/byGroupID/%73%69%70:g@police%2Eexample',
        '/%61/%67lobal/byGroup%49D/sip:g@police.example',
        '/a/global/byGroupID/SIP:g@Police.EXAMPLE',
        '/a/global/byGroupID/sip:%2567@police.example',
      ],
    ],
    [
      'a/global/byGroupID/tel%3A%2B15550120',
      [
        '/a/global/byGroupID/tel:+15550120',
        '/a/global/byGroupID/tel%3A%2B15550120',
        '/a/global/byGroupID/TEL:+1-555-0120',
        '/a/global/byGroupID/tel:+1(555)0120',
      ],
    ],
    ['a/global/b%2Fc', ['/a/global/b%2Fc', '/a/global/b%2fc']],
    [
      'a/users/sip%3Au%40police.example/x',
      ['/a/users/sip:u@police.example/x', '/a/users/sip:u@POLICE.example/x'],
    ],
    ['a/global/%C3%A9', ['/a/global/%C3%A9', '/a/global/%c3%a9']],
    ['a/global/%252e%252e', ['/a/global/%252e%252e']],
    ['a/global/index~~%3Fx', ['/a/global/index%7E%7E%3Fx']],
  ] as const) {
    it(`${name} has ${spellings.length === 1 ? 'one spelling' : 'several spellings and is one resource'}`, () => {
      for (const spelling of spellings) expect(nameOf(spelling), spelling).to.equal(name);
    });
  }

  it('an encoded slash is data and never makes a segment', () => {
    expect(parse('/xcap-root/a/global/b%2Fc').document.path).to.deep.equal(['b/c']);
    expect(nameOf('/a/global/b%2Fc')).not.to.equal(nameOf('/a/global/b/c'));
  });

  it('the user part of a SIP URI is told apart by case, as is an encoded delimiter from a bare one', () => {
    expect(nameOf('/a/global/sip:G@h')).not.to.equal(nameOf('/a/global/sip:g@h'));
    expect(nameOf('/a/global/sip:a%2540b@h')).not.to.equal(nameOf('/a/global/sip:a@b@h'));
  });

  it('is undone once, not twice', () => {
    expect(parse('/xcap-root/a/global/b%2525').document.path).to.deep.equal(['b%25']);
  });

  for (const bad of ['%', '%4', '%zz', '%u0041', '%C3', '%C3%28', '%C0%AF', '%ED%A0%80', '%FF']) {
    it(`${bad} is a bad request, wherever it stands`, () => {
      for (const target of [
        `/${bad}/global/b`,
        `/a/users/${bad}/b`,
        `/a/global/${bad}`,
        `/a/global/b/~~/${bad}`,
        `/a/global/b?${bad}`,
      ]) {
        expect(() => parse(root + target), target).to.throw(BadRequest);
      }
    });
  }

  for (const control of ['%00', '%0A', '%0D', '%1F', '%7F']) {
    it(`the control character ${control} is a bad request, wherever it stands`, () => {
      for (const target of [
        `/a/users/u${control}/b`,
        `/a/global/b${control}`,
        `/a/global/b/~~/c${control}`,
      ]) {
        expect(() => parse(root + target), target).to.throw(BadRequest);
      }
    });
  }
});

describe('RFC 3986 §5.2.4 dot segments', () => {
  for (const path of [
    '/../../etc/passwd',
    '/a/../global/b',
    '/a/global/..',
    '/a/global/../../b',
    '/a/global/./b',
    '/a/global/%2e%2e',
    '/a/global/%2E%2E/b',
    '/a/global/.%2e/b',
    '/a/global/%2e',
    '/a/users/../b',
    '/a/users/%2e%2e/b',
  ]) {
    it(`${path} is refused, not resolved`, () => {
      expect(() => parse(root + path)).to.throw(BadRequest);
    });
  }

  for (const path of ['/a/global/...', '/a/global/..%2F..%2Fb', '/a/global/%5C..%5Cb', '/a/global/..b']) {
    it(`${path} has none: the segment is a name like any other`, () => {
      expect(nameOf(path)).to.match(/^a\/global\/[^/]+$/);
    });
  }
});

describe('RFC 4825 §6 the separator ~~', () => {
  for (const [target, path, node] of [
    ['/a/global/b/~~/c', ['b'], 'c'],
    ['/a/global/b/~~/c/d', ['b'], 'c/d'],
    ['/a/global/b/%7E%7E/c', ['b'], 'c'],
    ['/a/global/b/~%7e/c', ['b'], 'c'],
    ['/a/global/b/~~/c/~~/d', ['b'], 'c/~~/d'],
    ['/a/global/b/~~/c%5B@d=%22x/~~/y%22%5D', ['b'], 'c[@d="x/~~/y"]'],
    ['/a/global/b/~~/c[@d="%2F"]', ['b'], 'c[@d="/"]'],
    ['/a/global/b/~~', ['b'], ''],
    ['/a/global/b/~~/', ['b'], ''],
    ['/a/global/b~~c', ['b~~c'], undefined],
    ['/a/global/~~b', ['~~b'], undefined],
    ['/a/global/b', ['b'], undefined],
  ] as const) {
    it(`${target} ${node === undefined ? 'names a document' : `has the node selector ${JSON.stringify(node)}`}`, () => {
      const uri = parse(root + target);
      expect(uri.document.path).to.deep.equal(path);
      expect(uri.node).to.equal(node);
    });
  }

  it('stands alone in its segment', () => {
    expect(() => parse('/xcap-root/a/global/index.xml~~')).to.throw(BadRequest);
    expect(() => parse('/xcap-root/a/global/index.xml%7E~')).to.throw(BadRequest);
    expect(() => parse('/xcap-root/a/global/index.xml~~/c')).not.to.throw();
    expect(() => parse('/xcap-root/a/global/index.xml~~/~~/c')).to.throw(BadRequest);
  });

  it('is not made by decoding a slash', () => {
    const { document, node } = parse('/xcap-root/a/global/b%2F~~%2Fc');
    expect(document.path).to.deep.equal(['b/~~/c']);
    expect(node).to.equal(undefined);
  });
});

describe('RFC 9112 §3.2 the request-target', () => {
  for (const target of [
    '',
    '*',
    'xcap-root/a/global/b',
    'ftp://police.example/xcap-root/a/global/b',
    'http:/xcap-root/a/global/b',
    'http:///xcap-root/a/global/b',
    'http://user@police.example/xcap-root/a/global/b',
    'http://user:secret@police.example/xcap-root/a/global/b',
    'http://police.example//xcap-root/a/global/b',
    'http://police.example/xcap-root/a/global/b#c',
    'xhttp://police.example/xcap-root/a/global/b',
    '//police.example/xcap-root/a/global/b',
    '//xcap-root/a/global/b',
    '/xcap-root//a/global/b',
    '/xcap-root/a//global/b',
    '/xcap-root/a/global//b',
    '/xcap-root/a/global/b#c',
  ]) {
    it(`${JSON.stringify(target)} is a bad request`, () => {
      expect(() => parse(target)).to.throw(BadRequest);
    });
  }

  for (const origin of [
    'http://police.example',
    'https://police.example',
    'HTTP://POLICE.EXAMPLE:8080',
    'http://evil.example',
    'http://[::1]:80',
  ]) {
    it(`in absolute form means its path, whatever stands before it: ${origin}`, () => {
      const path = '/xcap-root/a/users/sip:u@x/b/~~/c[@d="http://e/~~/f"]?xmlns(p=http://q/r?s)';
      expect(parse(origin + path)).to.deep.equal(parse(path));
    });

    it(`in absolute form without a path is outside the XCAP root: ${origin}`, () => {
      for (const rest of ['', '/', '?xmlns(p=urn:p)']) {
        expect(() => parse(origin + rest)).to.throw(NotFound);
        expect(() => parse(origin + rest, '')).to.throw(NotFound);
      }
    });
  }

  it('has a query component behind the first question mark', () => {
    const uri = parse('/xcap-root/a/global/b/~~/c?xmlns(p=urn:a?b)&%22');
    expect(uri).to.include({ node: 'c', query: 'xmlns(p=urn:a?b)&"' });
    expect(parse('/xcap-root/a/global/b').query).to.equal('');
    expect(parse('/xcap-root/a/global/b?').query).to.equal('');
  });

  it('may be as long as the limit, and no longer', () => {
    const start = '/xcap-root/a/global/';
    expect(() => parse(start + 'b'.repeat(maxLength - start.length))).not.to.throw();
    expect(() => parse(start + 'b'.repeat(maxLength - start.length + 1))).to.throw(UriTooLong);
  });
});
