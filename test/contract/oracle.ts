import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseXml, type Document } from 'libxmljs2';
import type { Verdict } from './documents.js';

/**
 * The second opinion: libxmljs2, another build of libxml2, more than a decade of releases older than the
 * server's. It never runs in the server (design D1).
 *
 * Subtle: it must be given bytes, because it drops what stands behind a NUL in a string; and text that
 * breaks the rules of namespaces is parsed with an entry in `errors`, not refused.
 */

interface SchemaManifest {
  readonly documents: readonly { readonly kind: string; readonly schema: string; readonly root: string }[];
}

/** The level of a remark that is no error, such as that a namespace name is relative. */
const warning = 1;

const schemaFolder = new URL('../../../schemas/', import.meta.url);

// The declarations know strings only.
const parseBytes = parseXml as unknown as (
  bytes: Uint8Array,
  options: { readonly baseUrl?: string; readonly nonet: boolean },
) => Document;

/** Whether `file` of the schema folder compiles: it is applied to a document that it need not know. */
export function compiles(file: string): boolean {
  const any = parseBytes(Buffer.from('<any/>'), { nonet: true });
  try {
    any.validate(schema(file));
    return true;
  } catch {
    return false;
  }
}

function schema(file: string): Document {
  const url = new URL(file, schemaFolder);
  return parseBytes(readFileSync(url), { baseUrl: fileURLToPath(url), nonet: true });
}

function rootName(document: Document): string {
  const root = document.root();
  return `{${root?.namespace()?.href() ?? ''}}${root?.name() ?? ''}`;
}

export class Oracle {
  readonly #kinds: SchemaManifest['documents'];

  constructor() {
    const manifest = readFileSync(new URL('manifest.json', schemaFolder), 'utf8');
    this.#kinds = (JSON.parse(manifest) as SchemaManifest).documents;
  }

  /** What it says of a document. It does not tell a wrong encoding from broken XML. */
  verdict(kind: string, bytes: Uint8Array): Exclude<Verdict, 'not-utf-8'> {
    let document: Document;
    try {
      document = parseBytes(bytes, { nonet: true });
    } catch {
      return 'not-well-formed';
    }
    if (document.errors.some(({ level }) => level !== warning)) return 'not-well-formed';
    const known = this.#kinds.find((candidate) => candidate.kind === kind);
    if (known === undefined) throw new Error(`schemas/manifest.json names no ${kind}`);
    if (rootName(document) !== known.root) return 'schema-invalid';
    return document.validate(schema(known.schema)) ? 'valid' : 'schema-invalid';
  }
}
