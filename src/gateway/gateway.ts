import { connectionsWithin } from '../base/descriptors.js';
import type { Log } from '../base/log.js';
import type { Random } from '../base/random.js';
import { urlHost } from '../base/uri.js';
import { createApp, listen, type HttpServer } from '../http/server.js';
import { OutboundClient } from '../outbound/client.js';
import type { GatewayConfig } from './config.js';
import { inward, outward, type Direction } from './directions.js';
import { GatewayRequests } from './requests.js';
import { GatewayRoutes } from './routes.js';

/** The composition root of a gateway, as gms/gms.ts is of a server. It stores nothing. */

/** What a gateway is given from outside. */
export interface GatewaySurroundings {
  readonly random: Random;
  readonly log: Log;
}

/** A running gateway. */
export interface Gateway {
  /** The XCAP root URL at which other MC systems are heard, as reached from this machine. */
  readonly outside: string;
  /** The URL below which our GMSs reach peers, where that is configured. */
  readonly inside: string | undefined;
  /** Finishes requests under way and releases the ports. */
  close(): Promise<void>;
}

function urlOf({ host, root }: { readonly host: string; readonly root: string }, port: number): string {
  return `http://${urlHost(host)}:${port}${root}`;
}

/**
 * Starts to listen.
 *
 * @throws AddressUnusable; nothing is left open
 */
export async function createGateway(
  config: GatewayConfig,
  surroundings: GatewaySurroundings,
): Promise<Gateway> {
  const { log, random } = surroundings;
  const { forwarding, gms, inside, limits, outside, peers, system } = config;
  const client = new OutboundClient(forwarding);
  const tools = {
    client,
    log,
    instance: random.token(),
    parallel: forwarding.parallel,
    targetLength: limits.requestTarget,
  };
  const sides = inside.port === undefined ? 1 : 2;
  const sideLimits = { ...limits, connections: connectionsWithin(limits.connections, sides) };
  const servers: HttpServer[] = [];
  const open = async (direction: Direction, host: string, port: number): Promise<number> => {
    const app = createApp(new GatewayRequests(direction, tools), forwarding.bodyBytes, log);
    const server = await listen(app, { host, port }, sideLimits);
    servers.push(server);
    return server.port;
  };
  const close = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    client.close();
  };
  try {
    const routes = new GatewayRoutes(gms);
    const outer = await open(inward(outside.root, peers, gms, routes), outside.host, outside.port);
    const inner =
      inside.port === undefined
        ? undefined
        : await open(outward(inside.root, system.identity, peers, gms), inside.host, inside.port);
    return {
      outside: urlOf(outside, outer),
      inside: inner === undefined ? undefined : urlOf(inside, inner),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
