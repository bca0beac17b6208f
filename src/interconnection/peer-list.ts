import type { GroupId } from '../base/identifiers.js';
import { groupIdOfName, groupsAuid } from '../groups/names.js';
import type { DocumentName } from '../base/identifiers.js';
import { gateBytes } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';
import { attribute, childrenNamed } from '../xml/tree.js';

/**
 * The list that a peer gives us of what both systems share: its XCAP directory (OMA XDM Core clause 6.7.2), as it
 * shows it to us. It has the groups of ours that it holds, and its own that we should hold. What is read of it is
 * which groups there are; what they say is asked of each group.
 */

interface ListTools {
  readonly schemas: Schemas;
  readonly limits: ScanLimits;
}

/** The groups that a directory lists, each once, or undefined where the bytes are no directory. */
export function readPeerList(
  bytes: Uint8Array,
  { schemas, limits }: ListTools,
): readonly GroupId[] | undefined {
  try {
    const { text, tree } = gateBytes(bytes, limits);
    schemas.validate('xcap-directory', text);
    const folders = childrenNamed(tree, ns.xcapDirectory, 'folder').filter(
      (folder) => attribute(folder, 'auid') === groupsAuid,
    );
    const groups = folders
      .flatMap((folder) => childrenNamed(folder, ns.xcapDirectory, 'entry'))
      .map((entry) => groupAt(attribute(entry, 'uri') ?? ''));
    return [...new Set(groups)].filter((groupId) => groupId !== undefined);
  } catch (error) {
    if (error instanceof XmlRefused) return undefined;
    throw error;
  }
}

/** The group that a URI of an entry names, whatever XCAP root it begins with. */
function groupAt(uri: string): GroupId | undefined {
  const at = uri.lastIndexOf(`/${groupsAuid}/global/`);
  if (at < 0) return undefined;
  try {
    return groupIdOfName(uri.slice(at + 1) as DocumentName);
  } catch (error) {
    // A percent-encoding that is none.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
