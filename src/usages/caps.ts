import type { Auid, DocumentName } from '../base/identifiers.js';
import { buildXml } from '../xml/build.js';
import { ns } from '../xml/names.js';
import { mediaTypes } from '../xcap/media-types.js';
import { ordinaryPlacement, type ApplicationUsage } from '../xcap/usage.js';

/** AUID of the server capabilities (RFC 4825 clause 12). */
export const capsAuid = 'xcap-caps' as Auid;

/** The name of the one document of the usage. */
export const capsName = 'xcap-caps/global/index' as DocumentName;

/** The usage of the server capabilities: one document, written by the server. */
export function createCapsUsage(): ApplicationUsage {
  return {
    auid: capsAuid,
    defaultNamespace: ns.xcapCaps,
    mediaType: mediaTypes.caps,
    schema: 'xcap-caps',
    namespaces: [ns.xcapCaps, ns.xcapError],
    ...ordinaryPlacement(),
    check: () => undefined,
  };
}

/** The `xcap-caps/global/index` document of a server with these usages. */
export function writeCaps(usages: readonly ApplicationUsage[]): string {
  const auids = [...new Set(usages.map(({ auid }) => auid))].sort();
  const namespaces = [...new Set(usages.flatMap((usage) => usage.namespaces))].sort();
  return buildXml({
    name: 'xcap-caps',
    namespace: ns.xcapCaps,
    children: [
      { name: 'auids', children: auids.map((auid) => ({ name: 'auid', children: [auid] })) },
      { name: 'extensions' },
      { name: 'namespaces', children: namespaces.map((uri) => ({ name: 'namespace', children: [uri] })) },
    ],
  });
}
