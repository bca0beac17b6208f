import { ns } from '../xml/names.js';
import { attribute, childNamed, childrenNamed, type LocatedElement } from '../xml/tree.js';

/**
 * Which MC services a group document is for (TS 24.481 clause 7.2.8). What counts is the whole path:
 * `supported-services` holds a `service` whose `enabler` is the service's ICSI, and for MCPTT and MCVideo
 * that holds `group-media` with the service's media. A document that says less is still a group document, of
 * no known MC service.
 */

export type McService = 'mcptt' | 'mcvideo' | 'mcdata';

/** IMS communication service identifiers that stand as `enabler`. */
const icsi = {
  mcptt: 'urn:urn-7:3gpp-service.ims.icsi.mcptt',
  mcvideo: 'urn:urn-7:3gpp-service.ims.icsi.mcvideo',
  // Short data, file distribution and enhanced status have one each; a generic MCData one does not count.
  mcdataPrefix: 'urn:urn-7:3gpp-service.ims.icsi.mcdata.',
} as const;

function hasMedia(service: LocatedElement, media: string): boolean {
  const groupMedia = childNamed(service, ns.omaExtensions, 'group-media');
  return groupMedia !== undefined && childNamed(groupMedia, ns.mcpttGroupInfo, media) !== undefined;
}

function mcServiceOf(service: LocatedElement): McService | undefined {
  const enabler = attribute(service, 'enabler')?.trim() ?? '';
  if (enabler === icsi.mcptt) return hasMedia(service, 'mcptt-speech') ? 'mcptt' : undefined;
  if (enabler === icsi.mcvideo) return hasMedia(service, 'mcvideo-video-media') ? 'mcvideo' : undefined;
  return enabler.startsWith(icsi.mcdataPrefix) ? 'mcdata' : undefined;
}

/** The MC services of the group that `listService` describes. */
export function mcServicesOf(listService: LocatedElement): ReadonlySet<McService> {
  const supported = childrenNamed(listService, ns.omaExtensions, 'supported-services');
  const services = supported.flatMap((each) => childrenNamed(each, ns.omaExtensions, 'service'));
  return new Set(services.map(mcServiceOf).filter((service) => service !== undefined));
}
