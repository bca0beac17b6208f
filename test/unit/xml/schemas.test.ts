import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ConfigurationError } from '../../../src/base/errors.js';
import { XmlRefused } from '../../../src/xml/refusal.js';
import { Schemas, type DeclaredSchema, type DocumentKind } from '../../../src/xml/schemas.js';
import { parseGated } from '../../../src/xml/parse.js';
import { fixture } from '../../support/fixtures.js';

const folder = new URL('../../../../schemas/', import.meta.url);

describe('Schemas', () => {
  let schemas: Schemas;

  before(() => {
    schemas = Schemas.open(folder);
  });

  function refusal(kind: DocumentKind | undefined, text: string): XmlRefused | undefined {
    try {
      schemas.validate(kind, text);
      return undefined;
    } catch (error) {
      if (error instanceof XmlRefused) return error;
      throw error;
    }
  }

  it('say where a document is not valid, and what is expected', () => {
    const refused = refusal('group', fixture('groups/invalid/group-priority-256.xml'));
    expect(refused?.condition).to.equal('schema-invalid');
    expect(refused?.message)
      .to.match(/^line \d+: /)
      .and.include('on-network-group-priority');
  });

  it('take the document element of the kind only, whatever else the schema declares', () => {
    for (const text of [
      '<join-handling xmlns="urn:oma:xml:poc:list-service">true</join-handling>',
      '<group/>',
      '<x:group xmlns:x="urn:ietf:params:xml:ns:resource-lists"/>',
    ]) {
      const refused = refusal('group', text);
      expect(refused?.condition, text).to.equal('schema-invalid');
      expect(refused?.message, text).to.include('{urn:oma:xml:poc:list-service}group');
    }
  });

  it('are not asked where a usage has none: the document must still be well-formed', () => {
    expect(refusal(undefined, '<any><thing/></any>')).to.equal(undefined);
    expect(refusal(undefined, '<any>&thing;</any>')?.condition).to.equal('not-well-formed');
  });

  describe('that the configuration names', () => {
    const named = (file: string): DeclaredSchema => ({
      name: 'declared:x',
      file: fileURLToPath(new URL(`../../../../fixtures/usages/${file}`, import.meta.url)),
      option: 'usages.declared[3].schema',
    });

    it('are compiled with what they import, also of ours', () => {
      const more = Schemas.open(folder, [named('pres-rules.xsd')]);
      const text = fixture('usages/pres-rules.xml');
      more.validate('declared:x', text);
      expect(() => {
        more.validate('declared:x', text.replace('>allow<', '>perhaps<'));
      }).to.throw(XmlRefused, 'perhaps');
      expect(() => {
        more.validate('declared:x', '<ruleset/>');
      }).to.throw(XmlRefused);
      more.validate('group', fixture('conformance/group.xml'));
    });

    for (const file of ['broken.xsd', 'missing.xsd', 'notes.xml', '']) {
      it(`stop the start where the file is ${file === '' ? 'a folder' : file}, and the option is named`, () => {
        expect(() => Schemas.open(folder, [named(file)])).to.throw(
          ConfigurationError,
          /^usages\.declared\[3\]\.schema: schema .* does not compile: ./,
        );
      });
    }
  });

  it('know their kinds', () => {
    expect(schemas.has('group')).to.equal(true);
    expect(schemas.has('constructor')).to.equal(false);
    expect(() => {
      schemas.validate('no-such-kind' as DocumentKind, '<a/>');
    }).to.throw(ConfigurationError, 'no-such-kind');
  });

  it('keep what they say short, however long names and values are', () => {
    const long = 'x'.repeat(40_000);
    const group = (child: string): string =>
      `<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:a@b">${child}</list-service></group>`;
    for (const text of [
      group(`<${long}/>`),
      group(`<invite-members>${long}</invite-members>`),
      group(`&${long};`),
      group(`<list ${long}=""/>`),
    ]) {
      expect(refusal('group', text)?.message.length).to.be.within(1, 500);
    }
  });

  it('never load what a document points to', async () => {
    const asked: string[] = [];
    const server = http.createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      for (const name of ['schema-location.xml', 'x-include.xml']) {
        const text = fixture(`hostile/${name}`).replaceAll('http://127.0.0.1:9', `http://127.0.0.1:${port}`);
        schemas.validate('group', text);
        const document = parseGated(text);
        expect(document.toString()).not.to.include('localhost');
        document.dispose();
      }
    } finally {
      server.close();
    }
    expect(asked).to.deep.equal([]);
  });
});
