import { createGateway, type GatewaySurroundings } from '../gateway/gateway.js';
import type { GatewayConfig } from '../gateway/config.js';
import { untilAborted } from './until-aborted.js';

/** Runs a gateway until `stop` is aborted; resolves once everything is let go of. */
export async function serveGateway(
  config: GatewayConfig,
  surroundings: GatewaySurroundings,
  io: { readonly write: (text: string) => void; readonly version: string },
  stop: AbortSignal,
): Promise<void> {
  const gateway = await createGateway(config, surroundings);
  const lines = [
    `mcgms ${io.version}, gateway of MC system ${config.system.name} in development mode: no tokens, loopback only; a request is from whom X-3GPP-Asserted-Identity says`,
    `XCAP root for other MC systems: ${gateway.outside}`,
    ...(gateway.inside === undefined ? [] : [`Peers for our GMSs: ${gateway.inside}/{name of the peer}`]),
    'Ctrl-C stops the gateway.',
  ];
  io.write(`${lines.join('\n')}\n`);
  await untilAborted(stop);
  await gateway.close();
}
