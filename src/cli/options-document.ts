import { formatTables } from '../config/manual.js';
import { describeGatewayOptions } from '../gateway/config.js';
import { describeOptions } from '../gms/config.js';

/** The options of both programs as the document docs/configuration.md. */
export function optionsDocument(): string {
  return `# Configuration

Every option, with its default, the kind of its value, and what it does. \`[]\` stands for each entry of a list.
[Configuring](configuring.md) shows how a file is written and checked, and which units there are. This page is written
by \`npm run docs\` from the tables that the programs read.

## The server

${formatTables(describeOptions())}
## The gateway

[Gateway](gateway.md) says what a gateway is for.

${formatTables(describeGatewayOptions(), 'of the gateway')}`;
}
