import { toGroupId } from '../../src/base/uri.js';
import { nameOfGroup } from '../../src/groups/names.js';
import type { RawRequest } from '../support/raw-http.js';

/**
 * Who takes part in a siege. The police's server is besieged. Two peers are honest: the fire brigade provides groups
 * to it; the rescue service is provided with groups by it, and gives its own only when it is asked. Two more are
 * configured as peers and are not honest: one provides what keeps policies busy, one is silent.
 *
 * Every client of the siege loads this, and there are many: it takes from the sources only what is small.
 */

export const domains = {
  police: 'police.example',
  fire: 'fire.example',
  rescue: 'rescue.example',
  flood: 'flood.example',
  silent: 'silent.example',
} as const;

export type SystemOfSiege = keyof typeof domains;

export function administratorOf(system: SystemOfSiege): string {
  return `sip:admin@${domains[system]}`;
}

export function gmsOf(system: SystemOfSiege): string {
  return `sip:gms@${domains[system]}`;
}

/** The MC service server of the besieged system. */
export const mcServiceServer = `sip:mcptt-server@${domains.police}`;

/** A user of the besieged system. */
export function userOf(name: string): string {
  return `sip:${name}@${domains.police}`;
}

/** The members of the police who read groups. */
export const members = Array.from({ length: 5 }, (_, number) => userOf(`unit-${number}`));

/** The user who fetches groups of the rescue service, which lists the user in each. */
export const fetchingUser = userOf('fetcher');

export const rootPath = '/xcap-root';

export const listsType = 'application/resource-lists+xml';
export const servicesType = 'application/rls-services+xml';

/** The path of a group below the XCAP root. */
export function pathOfGroup(groupId: string): string {
  const id = toGroupId(groupId);
  if (id === undefined) throw new Error(`${groupId} is no group ID`);
  return `/${nameOfGroup(id)}`;
}

/** The path of a policy below the XCAP root. */
export function pathOfPolicy(name: string): string {
  return `/org.mcgms.interconnection-policy/global/${name}.xml`;
}

/** The path of a user's document below the XCAP root. */
export function documentPath(auid: string, user: string, name: string): string {
  return `/${auid}/users/${encodeURIComponent(user)}/${name}`;
}

export interface Asked extends Omit<RawRequest, 'target'> {
  /** Path below the XCAP root. */
  readonly path: string;
  readonly as: string;
  readonly type?: string;
}

/** The request as it goes on the wire. */
export function onTheWire({ method, path, as, type, headers, body }: Asked): RawRequest {
  return {
    method,
    target: rootPath + path,
    headers: {
      'X-3GPP-Asserted-Identity': as,
      ...(type === undefined ? {} : { 'Content-Type': type }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  };
}
