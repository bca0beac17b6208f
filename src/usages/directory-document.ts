import type { Auid, ETag } from '../base/identifiers.js';
import { mediaTypes } from '../xcap/media-types.js';
import { isFolder, type DocumentSelector } from '../xcap/request-uri.js';
import { ordinaryPlacement, type ApplicationUsage } from '../xcap/usage.js';
import { escapeAttribute } from '../xml/build.js';
import { ns } from '../xml/names.js';

/** The XCAP directory: it lists documents by application usage (OMA XDM Core clause 6.7.2). */

/** AUID of the usage. */
export const directoryAuid = 'org.openmobilealliance.xcap-directory' as Auid;

/** The name of the one document that it has in each tree. */
const documentFile = 'directory.xml';

/** A document as its directory lists it. */
export interface DirectoryEntry {
  readonly uri: string;
  readonly etag: ETag;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** In octets. */
  readonly size: number;
}

/** The documents of one usage, or why they are not listed. */
export type DirectoryFolder =
  | { readonly auid: Auid; readonly entries: Iterable<DirectoryEntry> }
  | { readonly auid: Auid; readonly errorCode: string };

/** The usage of the directories, which the server writes. */
export function createDirectoryUsage(): ApplicationUsage {
  return {
    auid: directoryAuid,
    defaultNamespace: ns.xcapDirectory,
    mediaType: mediaTypes.directory,
    schema: 'xcap-directory',
    namespaces: [ns.xcapDirectory],
    ...ordinaryPlacement(),
    check: () => undefined,
  };
}

/** Whether `place` is where a directory stands. */
export function isDirectory(place: DocumentSelector): boolean {
  return !isFolder(place) && place.path.length === 1 && place.path[0] === documentFile;
}

/** The attributes of a tag. */
function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeAttribute(value)}"`)
    .join('');
}

function entryText({ uri, etag, modified, size }: DirectoryEntry): string {
  const time = new Date(modified).toISOString();
  return `    <entry${attributes({ uri, etag, 'last-modified': time, size: String(size) })}/>\n`;
}

function* folderText(folder: DirectoryFolder): Iterable<string> {
  yield `  <folder${attributes({ auid: folder.auid })}>\n`;
  if ('errorCode' in folder) yield `    <error-code>${folder.errorCode}</error-code>\n`;
  else for (const entry of folder.entries) yield entryText(entry);
  yield '  </folder>\n';
}

/**
 * A directory of `folders`, in the order given, piece by piece. Entries are asked for when they are written.
 *
 * Written without `buildXml`, which takes a third of a second for ten thousand entries. That is safe because
 * all of it is escaped attribute values and constant text.
 */
export function* writeDirectory(folders: Iterable<DirectoryFolder>): Iterable<string> {
  yield `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-directory xmlns="${ns.xcapDirectory}">\n`;
  for (const folder of folders) yield* folderText(folder);
  yield '</xcap-directory>\n';
}
