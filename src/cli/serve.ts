import { fileURLToPath } from 'node:url';
import type { Config } from '../gms/config.js';
import { groupMediaType, nameOfGroup } from '../groups/names.js';
import { toGroupId } from '../base/uri.js';
import { createGms, type Gms } from '../gms/gms.js';
import type { Clock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { mediaTypes } from '../xcap/media-types.js';
import { ns } from '../xml/names.js';
import type { OpenedLog } from './open-log.js';
import { reopenOnHangUp, type Signals } from './signals.js';
import { untilAborted } from './until-aborted.js';

/** The group that the first steps put, get and change. */
const example = {
  file: new URL('../../../fixtures/demo/patrol.xml', import.meta.url),
  groupId: 'sip:patrol-7@police.example',
  member: 'sip:unit-73@police.example',
} as const;

/** A line for a POSIX shell; every argument in single quotes. */
function curl(...words: readonly string[]): string {
  const quoted = words.map((word) =>
    /^[\w:/.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return `  curl ${quoted.join(' ')}`;
}

/** Three lines to paste: PUT the example group, GET it, change one member through a node selector. */
export function firstSteps(root: string, administrator: string): string {
  const groupId = toGroupId(example.groupId);
  if (groupId === undefined) throw new Error('the example is no group ID');
  const group = `${root}/${nameOfGroup(groupId)}`;
  const identity = ['-H', `X-3GPP-Asserted-Identity: ${administrator}`];
  const member = `entry%5B@uri=%22${example.member}%22%5D`;
  const selector = `group/list-service/list/${member}/mcpttgi:user-priority`;
  return [
    curl(
      '-i',
      '-X',
      'PUT',
      group,
      ...identity,
      '-H',
      `Content-Type: ${groupMediaType}`,
      '--data-binary',
      `@${fileURLToPath(example.file)}`,
    ),
    curl('-i', group, ...identity),
    curl(
      '-i',
      '-X',
      'PUT',
      `${group}/~~/${selector}?xmlns(mcpttgi=${ns.mcpttGroupInfo})`,
      ...identity,
      '-H',
      `Content-Type: ${mediaTypes.element}`,
      '-d',
      '<mcpttgi:user-priority>7</mcpttgi:user-priority>',
    ),
  ].join('\n');
}

function greeting(gms: Gms, config: Config, version: string): string {
  const [administrator] = config.identity.administrators;
  const lines = [
    `mcgms ${version} in development mode: no tokens, loopback only; a request is from whom X-3GPP-Asserted-Identity says`,
    `XCAP root: ${gms.root}`,
    `MC system ${config.system.name}, documents in ${config.store.folder}`,
  ];
  if (administrator !== undefined && config.system.domains.includes('police.example')) {
    lines.push('', 'Try it from another terminal:', '', firstSteps(gms.root, administrator));
  }
  lines.push('', 'Ctrl-C stops the server.');
  return `${lines.join('\n')}\n`;
}

/** Runs a server until it is told to stop; resolves once everything is let go of. */
export async function serve(
  config: Config,
  { log, reopen, ...rest }: OpenedLog & { readonly clock: Clock; readonly random: Random },
  io: { readonly write: (text: string) => void; readonly version: string },
  signals: Signals,
): Promise<void> {
  const gms = await createGms(config, { log, ...rest });
  reopenOnHangUp(signals, log, () => Promise.all([reopen(), gms.reopenLogs()]));
  io.write(greeting(gms, config, io.version));
  await untilAborted(signals.stop);
  await gms.close();
}
