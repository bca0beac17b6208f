import type { GroupId } from '../base/identifiers.js';
import { Forbidden, NotFound } from '../base/refusals.js';
import type { GatewayRoutes, RoutedGms } from './routes.js';

/**
 * Who may ask at a gateway, and where the request goes:
 *
 *   inward:  a peer asks at the XCAP root of the gateway; the group ID says which GMS gets the request
 *   outward: one of our GMSs asks at {root}/{name of the peer}; that peer gets the request. The home of the
 *            group does not decide, because the groups that we provide are homed here
 */

/** A requester that was admitted: what its URIs begin with, and where its requests go. */
interface Admitted {
  /** Its name, for the log. */
  readonly from: string;
  /** Path of the XCAP root that it addresses. */
  readonly root: string;
  /** @throws NotFound where the group belongs to no GMS */
  destinationOf(groupId: GroupId): Destination;
  /**
   * The server whose capabilities document it may read (RFC 4825 clause 12). From it our GMSs learn that an XCAP
   * server stands there, where the peer's own answers do not tell. The inside shows none: it is several servers.
   */
  readonly capabilitiesOf?: Destination;
}

/** The server that gets a request. */
export interface Destination {
  /** Its name, for the log. */
  readonly to: string;
  /** Its XCAP root URL. */
  readonly root: string;
  /** The identity that is asserted to it. */
  readonly identity: string;
}

/** One direction of a gateway. */
export interface Direction {
  /** @throws Forbidden where the identity may not ask here, NotFound where the peer is unknown */
  admit(identity: string | undefined, target: string): Admitted;
  /** Addresses that no body on the way back may spell. */
  readonly hidden: readonly string[];
}

interface GatewayGms extends RoutedGms {
  readonly identity: string;
  readonly root: string;
}

interface GatewayPeer {
  readonly name: string;
  readonly identity: string;
  readonly root?: string | undefined;
}

/** From peers to our GMSs. */
export function inward(
  root: string,
  peers: readonly GatewayPeer[],
  servers: readonly GatewayGms[],
  routes: GatewayRoutes<GatewayGms>,
): Direction {
  const known = new Map(peers.map((peer) => [peer.identity, peer]));
  return {
    admit(identity) {
      const peer = known.get(identity ?? '');
      if (peer === undefined) throw new Forbidden('only interconnected MC systems are answered here');
      return {
        from: peer.name,
        root,
        destinationOf(groupId) {
          const gms = routes.gmsOf(groupId);
          if (gms === undefined) throw new NotFound('there is no such group');
          return { to: gms.name, root: gms.root, identity: peer.identity };
        },
      };
    },
    hidden: servers.flatMap((gms) => addressesOf(gms.root)),
  };
}

/** From our GMSs to peers, which know all of them as `identity`. */
export function outward(
  root: string,
  identity: string,
  peers: readonly GatewayPeer[],
  servers: readonly GatewayGms[],
): Direction {
  const ours = new Map(servers.map((gms) => [gms.identity, gms]));
  return {
    admit(asserted, target) {
      const gms = ours.get(asserted ?? '');
      if (gms === undefined) throw new Forbidden('only our own GMSs are answered here');
      const peer = peers.find(({ name }) => target.startsWith(`${root}/${name}/`));
      if (peer?.root === undefined) throw new NotFound('there is no such peer');
      const destination = { to: peer.name, root: peer.root, identity };
      return {
        from: gms.name,
        root: `${root}/${peer.name}`,
        destinationOf: () => destination,
        capabilitiesOf: destination,
      };
    },
    hidden: [],
  };
}

/** How text spells an XCAP root: its authority as in a URL, host and port, and its path. */
function addressesOf(root: string): readonly string[] {
  const { host, hostname, port, pathname } = new URL(root);
  const path = pathname.replace(/\/$/, '');
  return [`//${hostname}`, ...(port === '' ? [] : [host]), ...(path === '' ? [] : [`${path}/`])];
}
