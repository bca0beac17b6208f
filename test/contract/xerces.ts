import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonFixture } from '../support/fixtures.js';

/**
 * The third opinion: Xerces-C++, an engine that shares no code with the other two. Its command SAXCount (Debian's
 * libxerces-c-samples) validates files against the schemas that they name.
 *
 * Subtle: it writes a number of occurrences out, so that an element that may occur 65,536 times takes it minutes.
 * In its copy of the schemas, large numbers are unbounded.
 */

const command = 'SAXCount';

/** Why tests that need it are skipped; undefined where it is there. */
export function xercesMissing(): string | undefined {
  const { error } = spawnSync(command, ['-?']);
  return error === undefined ? undefined : `${command} (libxerces-c-samples) is not installed`;
}

const fault = /(?:Error|Warning) at \(?file ([^,]+), line (\d+), char \d+\)?[:\n]\s*(.*)/g;

/** What it finds wrong with documents: by the name of the document, messages by line. */
type Faults = ReadonlyMap<string, ReadonlyMap<number, string>>;

const schemaFolder = new URL('../../../schemas/', import.meta.url);
const xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"';

function writeSchemas(folder: string): void {
  for (const file of readdirSync(schemaFolder).filter((name) => name.endsWith('.xsd'))) {
    const text = readFileSync(new URL(file, schemaFolder), 'utf8');
    writeFileSync(join(folder, file), text.replace(/maxOccurs="\d{3,}"/g, 'maxOccurs="unbounded"'));
  }
}

/** Where the shipped schemas of `folder` are, as a value of xsi:schemaLocation. */
function shippedLocations(folder: string): string {
  const manifest = jsonFixture('../schemas/manifest.json') as {
    readonly schemas: readonly { readonly file: string; readonly namespace: string }[];
  };
  return manifest.schemas
    .filter(({ file, namespace }) => namespace !== '' && file !== 'xml.xsd')
    .map(({ file, namespace }) => `${namespace} ${join(folder, file)}`)
    .join(' ');
}

/** `text` with attributes added to its document element. */
function withAttributes(text: string, attributes: string): string {
  return text.replace(/<[A-Za-z][^\s<>/]*(?=[\s/>])/, (tag) => `${tag} ${attributes}`);
}

/**
 * What Xerces says of documents, each a text by its name. They are validated against the shipped schemas, or against
 * `schema`, which has no target namespace.
 */
export function xercesFaults(documents: ReadonlyMap<string, string>, schema?: string): Faults {
  const folder = mkdtempSync(join(tmpdir(), 'mcgms-xerces-'));
  try {
    writeSchemas(folder);
    if (schema !== undefined) writeFileSync(join(folder, 'own.xsd'), schema);
    const location =
      schema === undefined
        ? `xsi:schemaLocation="${shippedLocations(folder)}"`
        : `xsi:noNamespaceSchemaLocation="${join(folder, 'own.xsd')}"`;
    mkdirSync(join(folder, 'documents'));
    const names = new Map<string, string>();
    for (const [name, text] of documents) {
      const file = join(folder, 'documents', `${names.size}.xml`);
      const declared = text.includes('xmlns:xsi=') ? location : `${xsi} ${location}`;
      writeFileSync(file, withAttributes(text, declared));
      names.set(file, name);
    }
    const list = join(folder, 'list.txt');
    writeFileSync(list, [...names.keys(), ''].join('\n'));
    const options = { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: 300_000 } as const;
    const { stdout, stderr, error } = spawnSync(command, ['-v=always', '-n', '-s', '-l', list], options);
    if (error !== undefined) throw error;
    const faults = new Map<string, Map<number, string>>();
    for (const [, file = '', line = '', message = ''] of `${stderr}\n${stdout}`.matchAll(fault)) {
      const name = names.get(file) ?? file;
      const found = faults.get(name) ?? new Map<number, string>();
      faults.set(name, found.set(Number(line), message));
    }
    return faults;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
