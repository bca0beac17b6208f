import { systemRandom } from '../../src/base/random.js';
import { checkGatewayConfig, type GatewayConfigInput } from '../../src/gateway/config.js';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import { formatPath } from '../../src/config/words.js';
import { RecordedLog } from './log.js';

/** A gateway in this process. */
export interface TestGateway extends Gateway {
  readonly log: RecordedLog;
}

/** What is wrong with a gateway's configuration, each with its option in front. */
export function gatewayComplaints(input: unknown): string[] {
  const result = checkGatewayConfig(input);
  if ('config' in result) return [];
  return result.faults.map(({ option, message }) => `${formatPath(option)}: ${message}`);
}

/** Starts a gateway; ports that are not given are free ones. */
export async function startGateway(input: GatewayConfigInput): Promise<TestGateway> {
  const result = checkGatewayConfig({ ...input, outside: { port: 0, ...input.outside } });
  if ('faults' in result) throw new Error(gatewayComplaints(input).join('\n'));
  const log = new RecordedLog();
  const gateway = await createGateway(result.config, { random: systemRandom, log });
  return { ...gateway, log };
}
