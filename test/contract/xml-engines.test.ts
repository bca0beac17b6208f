import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ConfigurationError } from '../../src/base/errors.js';
import { gateBytes } from '../../src/xml/gate.js';
import { XmlRefused } from '../../src/xml/refusal.js';
import { Schemas, type DocumentKind } from '../../src/xml/schemas.js';
import { attribute, type LocatedElement } from '../../src/xml/tree.js';
import { fixture, fixtureBytes, jsonFixture } from '../support/fixtures.js';
import {
  bytesOf,
  listedDocuments,
  refusedDocuments,
  xmlFiles,
  type DocumentFixture,
  type Verdict,
} from './documents.js';
import { compiles, Oracle } from './oracle.js';
import { limits } from '../support/limits.js';

/**
 * Both XML engines, the server's (gate, libxml2-wasm) and an independent one (libxmljs2), are asked for a
 * verdict on every document among the fixtures. They must agree with each other and with the manifest.
 */

interface SchemaFile {
  readonly file: string;
  readonly namespace: string;
  readonly standard: string;
  readonly clause: string;
  readonly version: string;
}

interface ElementFacts {
  readonly name: string;
  readonly parent: string;
  readonly type: string;
}

interface TypeFacts {
  /** Attributes that make any content of the type complete. */
  readonly attributes?: string;
  readonly valid: readonly string[];
  readonly invalid: readonly string[];
}

interface NamespaceFacts {
  readonly namespace: string;
  readonly standard: string;
  readonly elements: readonly ElementFacts[];
  readonly values: Readonly<Record<string, TypeFacts>>;
}

/** What the standards say where our schemas once said otherwise, and the documents that show it. */
interface RowManifest {
  readonly rows: readonly { readonly row: string; readonly clause: string; readonly says: string }[];
  readonly valid: readonly { readonly file: string; readonly row: string }[];
  readonly invalid: readonly { readonly file: string; readonly row: string }[];
}

const schemaFolder = new URL('../../../schemas/', import.meta.url);
const xsd = 'http://www.w3.org/2001/XMLSchema';

function schemaFileBytes(file: string): Buffer {
  return fixtureBytes(`../schemas/${file}`);
}

/** What the server says of a document. A limit or a DOCTYPE is not a verdict but a mistake of the fixture. */
function serverVerdict(schemas: Schemas, kind: string, bytes: Uint8Array): Verdict {
  try {
    schemas.validate(kind as DocumentKind, gateBytes(bytes, limits).text);
    return 'valid';
  } catch (error) {
    if (!(error instanceof XmlRefused) || error.condition === 'forbidden') throw error;
    return error.condition;
  }
}

describe('The XML engines', () => {
  let schemas: Schemas;
  let oracle: Oracle;

  before(() => {
    schemas = Schemas.open(schemaFolder);
    oracle = new Oracle();
  });

  function bothSay({ kind, verdict }: DocumentFixture, bytes: Uint8Array): void {
    const server = serverVerdict(schemas, kind, bytes);
    if (verdict === 'refused') expect(server, "the server's engine").not.to.equal('valid');
    else expect(server, "the server's engine").to.equal(verdict);
    // The oracle does not tell a wrong encoding from broken XML.
    const same = server === 'not-utf-8' ? 'not-well-formed' : server;
    expect(oracle.verdict(kind, bytes), 'the independent engine').to.equal(same);
  }

  const collections: readonly [string, readonly DocumentFixture[]][] = [
    ['groups', listedDocuments('groups', 'group')],
    ['resource-lists', listedDocuments('resource-lists')],
    ['xcap', listedDocuments('xcap')],
    ['schemas', listedDocuments('schemas')],
    ['policies', refusedDocuments('policies', 'policy')],
    ['results', refusedDocuments('results', 'result')],
    ['previews', refusedDocuments('previews', 'policy-preview')],
  ];

  for (const [folder, documents] of collections) {
    describe(`agree about fixtures/${folder}`, () => {
      for (const document of documents) {
        const { path, verdict, breaks } = document;
        it(`${path.slice(folder.length + 1)} is ${verdict}${breaks === undefined ? '' : `: ${breaks}`}`, () => {
          bothSay(document, bytesOf(document));
        });
      }
    });
  }

  for (const folder of ['groups', 'resource-lists', 'xcap', 'schemas']) {
    it(`are asked about every file of fixtures/${folder}, each named once in its manifest`, () => {
      const listed = listedDocuments(folder).map(({ path }) => path);
      const present = ['valid', 'invalid', 'accepted']
        .filter((name) =>
          readdirSync(new URL(`../../../fixtures/${folder}/`, import.meta.url)).includes(name),
        )
        .flatMap((name) => xmlFiles(`${folder}/${name}`).map((file) => `${folder}/${name}/${file}`));
      expect([...listed].sort()).to.deep.equal([...present].sort());
    });
  }

  it('are asked about both verdicts of each row in which the schemas once differed from the originals', () => {
    const { rows, valid, invalid } = jsonFixture('schemas/manifest.json') as RowManifest;
    const documentation = fixture('../docs/conformance.md').replaceAll(/ +/g, ' ');
    const named = (documents: RowManifest['valid'], row: string): string =>
      documents
        .filter((each) => each.row === row)
        .map(({ file }) => `\`${file.replace(/^.*\/|\.xml$/g, '')}\``)
        .join(', ');
    for (const { row, clause, says } of rows) {
      const refused = named(invalid, row) || 'none: nothing of it is refused';
      expect(named(valid, row), row).to.not.equal('');
      expect(documentation, row).to.include(`| ${clause} | ${says} | ${named(valid, row)} | ${refused} |`);
    }
    const known = new Set(rows.map(({ row }) => row));
    expect([...valid, ...invalid].filter(({ row }) => !known.has(row))).to.deep.equal([]);
  });

  it('put valid documents into valid/ and accepted/, the others into invalid/', () => {
    for (const { path, verdict } of collections.slice(0, 4).flatMap(([, documents]) => documents)) {
      expect(path.split('/')[1] === 'invalid', path).to.equal(verdict !== 'valid');
    }
  });
});

describe('The schemas', () => {
  const manifest = jsonFixture('../schemas/manifest.json') as {
    readonly schemas: readonly SchemaFile[];
    readonly documents: readonly { readonly kind: string; readonly schema: string; readonly root: string }[];
  };
  const files = readdirSync(schemaFolder).filter((name) => name.endsWith('.xsd'));

  it('are all named in the manifest, each once', () => {
    expect(manifest.schemas.map(({ file }) => file).sort()).to.deep.equal(files.sort());
  });

  for (const { file, namespace, standard, clause, version } of manifest.schemas) {
    it(`${file} says which standard it comes from: ${standard} ${clause}`, () => {
      expect(standard).to.match(/\w/);
      expect(clause).to.match(/\w/);
      expect(version).to.match(/\w/);
      const { tree } = gateBytes(schemaFileBytes(file), limits);
      expect([tree.namespace, tree.local]).to.deep.equal([xsd, 'schema']);
      expect(attribute(tree, 'targetNamespace') ?? '').to.equal(namespace);
    });

    it(`${file} compiles in both engines, by itself`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'mcgms-schemas-'));
      try {
        for (const each of files) copyFileSync(new URL(each, schemaFolder), join(folder, each));
        const alone = { documents: [{ kind: 'alone', schema: file, root: '{}any' }] };
        writeFileSync(join(folder, 'manifest.json'), JSON.stringify(alone));
        expect(Schemas.open(pathToFileURL(`${folder}/`)).has('alone')).to.equal(true);
        expect(compiles(file)).to.equal(true);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }

  it('that do not compile, or are missing, stop the start with their name', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mcgms-schemas-'));
    try {
      const broken = { documents: [{ kind: 'broken', schema: 'broken.xsd', root: '{}any' }] };
      writeFileSync(join(folder, 'manifest.json'), JSON.stringify(broken));
      const open = (): unknown => Schemas.open(pathToFileURL(`${folder}/`));
      expect(open).to.throw(ConfigurationError, 'broken.xsd');
      writeFileSync(
        join(folder, 'broken.xsd'),
        `<xs:schema xmlns:xs="${xsd}"><xs:element name="a" type="b"/></xs:schema>`,
      );
      expect(open).to.throw(ConfigurationError, 'broken.xsd');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('name a schema and a document element for each kind of document', () => {
    for (const { kind, schema, root } of manifest.documents) {
      expect(files, kind).to.include(schema);
      expect(root, kind).to.match(/^\{[^}]+\}\S+$/);
    }
  });
});

describe('urn:3gpp:ns:mcpttGroupInfo:1.0 (TS 24.481 7.2.2, 7.2.4.2)', () => {
  const facts = jsonFixture('groups/mcpttgi-elements.json') as NamespaceFacts;
  const frame = fixture('conformance/every-parent.xml');
  let schemas: Schemas;
  let oracle: Oracle;
  let declared: ReadonlyMap<string, LocatedElement>;

  before(() => {
    schemas = Schemas.open(schemaFolder);
    oracle = new Oracle();
    const { tree } = gateBytes(schemaFileBytes('mcptt-group-info.xsd'), limits);
    const elements = tree.children.filter(({ local }) => local === 'element');
    declared = new Map(elements.map((element) => [attribute(element, 'name') ?? '', element]));
  });

  it('declares the global elements of the standard and no others', () => {
    const names = facts.elements.map(({ name }) => name);
    expect([...declared.keys()].sort()).to.deep.equal(names.sort());
  });

  /** The frame with `element` at its place. */
  function documentWith(parent: string, element: string): Buffer {
    const marker = `<!--${parent}-->`;
    expect(frame.split(marker), `the frame has one place for children of ${parent}`).to.have.length(2);
    return Buffer.from(frame.replace(marker, () => element));
  }

  for (const type of new Set(facts.elements.map((element) => element.type))) {
    const elements = facts.elements.filter((element) => element.type === type);

    it(`declares ${type} for each element that has this type in the standard`, () => {
      for (const { name } of elements) {
        const written = attribute(declared.get(name) ?? expect.fail(`${name} is not declared`), 'type');
        expect(written, name).to.equal(type.includes(':') ? type : `mcpttgi:${type}`);
      }
    });

    it(`takes and refuses the values of ${type} that the standard does, in each element of it`, () => {
      const values = facts.values[type] ?? expect.fail(`no values for ${type}`);
      const { attributes = '' } = values;
      const bothSayOf = (document: Buffer, verdict: Verdict, what: string): void => {
        expect(serverVerdict(schemas, 'group', document), what).to.equal(verdict);
        expect(oracle.verdict('group', document), what).to.equal(verdict);
      };
      for (const { name, parent } of elements) {
        const write = (content: string, given = attributes): Buffer =>
          documentWith(parent, `<mcpttgi:${name}${given}>${content}</mcpttgi:${name}>`);
        for (const content of values.valid) bothSayOf(write(content), 'valid', `${name}: ${content}`);
        for (const content of values.invalid) {
          bothSayOf(write(content), 'schema-invalid', `${name}: ${content}`);
        }
        if (attributes === '') continue;
        bothSayOf(write(values.valid[0] ?? '', ''), 'schema-invalid', `${name} without its attributes`);
      }
    });
  }
});
