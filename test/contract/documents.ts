import { existsSync, readdirSync } from 'node:fs';
import { fixtureBytes, jsonFixture } from '../support/fixtures.js';

/** The fixtures that are whole documents, with the verdict that their manifests state. */

/** What an engine or a manifest says of a document. */
export type Verdict = 'valid' | 'not-utf-8' | 'not-well-formed' | 'schema-invalid';

export interface DocumentFixture {
  /** Path below `fixtures/`. */
  readonly path: string;
  /** Kind of document, as `schemas/manifest.json` names it. */
  readonly kind: string;
  /** `refused` where the manifest leaves it to the engines to say why. */
  readonly verdict: Verdict | 'refused';
  /** What is wrong with it; absent where nothing is. */
  readonly breaks?: string;
  /** The group that it defines, where it is a valid group document. */
  readonly groupId?: string;
}

interface ManifestEntry {
  readonly file: string;
  readonly kind?: string;
  readonly groupId?: string;
  readonly breaks?: string;
  readonly error?: string;
}

interface Manifest {
  readonly valid: readonly ManifestEntry[];
  readonly invalid: readonly ManifestEntry[];
  /** Valid documents that say something other than their authors believe. */
  readonly warnings?: readonly ManifestEntry[];
}

interface Refused {
  readonly file: string;
  /** `gate` and `schema` where the XML layer refuses; anything else looks at valid documents only. */
  readonly refusedBy: string;
}

const fixtures = new URL('../../../fixtures/', import.meta.url);

function verdictOf(error: string | undefined): Verdict {
  switch (error) {
    case undefined:
      return 'valid';
    case 'not-utf-8':
    case 'not-well-formed':
      return error;
    case 'schema-validation-error':
      return 'schema-invalid';
    default:
      throw new Error(`a manifest names ${error}, which no XML engine decides`);
  }
}

/** The XML files of a folder below `fixtures/`, sorted. */
export function xmlFiles(folder: string): readonly string[] {
  return readdirSync(new URL(`${folder}/`, fixtures))
    .filter((name) => name.endsWith('.xml'))
    .sort();
}

/** The documents that `{folder}/manifest.json` lists; `kind` is theirs where the manifest names none. */
export function listedDocuments(folder: string, kind = ''): readonly DocumentFixture[] {
  const { valid, invalid, warnings = [] } = jsonFixture(`${folder}/manifest.json`) as Manifest;
  return [...valid, ...warnings, ...invalid].map((entry) => ({
    path: `${folder}/${entry.file}`,
    kind: entry.kind ?? kind,
    verdict: verdictOf(entry.error),
    ...(entry.breaks !== undefined && { breaks: entry.breaks }),
    ...(entry.groupId !== undefined && { groupId: entry.groupId }),
  }));
}

/** The documents of a folder whose manifest lists the invalid ones only, by who refuses them. */
export function refusedDocuments(folder: string, kind: string): readonly DocumentFixture[] {
  if (!existsSync(new URL(`${folder}/invalid/manifest.json`, fixtures))) return [];
  const refused = jsonFixture(`${folder}/invalid/manifest.json`) as readonly Refused[];
  const valid = xmlFiles(`${folder}/valid`).map((file) => `${folder}/valid/${file}`);
  // What the gate refuses need not be ill-formed to a parser: engines are asked about the rest.
  const asked = refused.filter(({ refusedBy }) => refusedBy !== 'gate');
  return [
    ...valid.map((path) => ({ path, kind, verdict: 'valid' as const })),
    ...asked.map(({ file, refusedBy }) => ({
      path: `${folder}/invalid/${file}`,
      kind,
      verdict: refusedBy === 'schema' ? ('refused' as const) : ('valid' as const),
    })),
  ];
}

export function bytesOf({ path }: DocumentFixture): Buffer {
  return fixtureBytes(path);
}
