import type { Random } from '../base/random.js';
import { createGateway } from '../gateway/gateway.js';
import type { GatewayConfig } from '../gateway/config.js';
import type { OpenedLog } from './open-log.js';
import { reopenOnHangUp, type Signals } from './signals.js';
import { untilAborted } from './until-aborted.js';

/** Runs a gateway until it is told to stop; resolves once everything is let go of. */
export async function serveGateway(
  config: GatewayConfig,
  { log, reopen, random }: OpenedLog & { readonly random: Random },
  io: { readonly write: (text: string) => void; readonly version: string },
  signals: Signals,
): Promise<void> {
  const gateway = await createGateway(config, { log, random });
  reopenOnHangUp(signals, log, reopen);
  const lines = [
    `mcgms ${io.version}, gateway of MC system ${config.system.name} in development mode: no tokens, loopback only; a request is from whom X-3GPP-Asserted-Identity says`,
    `XCAP root for other MC systems: ${gateway.outside}`,
    ...(gateway.inside === undefined ? [] : [`Peers for our GMSs: ${gateway.inside}/{name of the peer}`]),
    'Ctrl-C stops the gateway.',
  ];
  io.write(`${lines.join('\n')}\n`);
  await untilAborted(signals.stop);
  await gateway.close();
}
