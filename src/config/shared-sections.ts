import type { z } from 'zod';
import { logLevels } from '../base/log.js';
import { file } from './kinds/names.js';
import { oneOf } from './kinds/kind.js';
import { duration, size, wholeNumber } from './kinds/quantities.js';
import { option, optional, section } from './rows.js';

/** The options that every program of this repository has. */

// A timer of Node.js counts milliseconds in 31 bits.
export const deadline = duration('1ms', '24d');
export const port = wholeNumber(0, 65_535);

/** Limits of an HTTP server. */
export const httpLimits = section({
  headersTimeout: option(deadline, '10s', 'How long a client may take to send the headers of a request.'),
  requestTimeout: option(deadline, '30s', 'How long a client may take to send a whole request.'),
  keepAliveTimeout: option(
    deadline,
    '75s',
    'How long an idle connection stays open after an answer; longer than a proxy in front keeps it.',
  ),
  answerTimeout: option(
    deadline,
    '30s',
    'How long a client may take to read an answer, or each 64 KiB of a larger one; then the connection is closed.',
  ),
  headerBytes: option(
    size('1KiB', '1MiB'),
    '16KiB',
    'The most bytes of a request line and headers together.',
  ),
  requestTarget: option(size('256B', '1MiB'), '8KiB', 'The most bytes of a request-target.'),
  connections: option(
    wholeNumber(1, 1_000_000),
    1000,
    'The most connections at one time. A further one takes the place of an idle one of whoever holds most. Where the system allows too few open files, fewer: a quarter of these, at least 64, is kept for the store and for calls of peers.',
  ),
  bodyBudget: option(
    size('64KiB', '64GiB'),
    '64MiB',
    'The most bytes of requests under way together, beyond the first 16 KiB of each. Where it is short, whoever holds most gives way, with 503. One body of the largest size has room in any case.',
  ),
  answerBudget: option(
    size('64KiB', '64GiB'),
    '64MiB',
    'The same for answers under way; those of at most 16 KiB do not count.',
  ),
});

/** When a log's file is full, for systems without a program that takes care of that. */
export const rotation = {
  rotateBytes: option(
    size('0', '1024GiB'),
    0,
    'The most bytes of the file. A full one is renamed to .1, older ones move up, and a new one is begun; 0 leaves that to others, such as logrotate.',
  ),
  keep: option(
    wholeNumber(1, 1000),
    10,
    'How many full files stay beside the file, where rotateBytes bounds it. The oldest is deleted for a further one.',
  ),
};

export const log = section({
  level: option(
    oneOf(...logLevels),
    'info',
    'What is logged: messages of this level and of more severe ones.',
  ),
  file: optional(
    file,
    'standard error',
    'The file of the log. A relative path starts at the folder of the configuration file. SIGHUP opens it anew, and the audit log with it.',
  ),
  ...rotation,
});

/** Something that the limits of an HTTP server stand in. */
interface Ordering {
  ordered(lower: string, upper: string, equal: boolean, reason: string): void;
}

/** Something that warnings of what all programs have are told to. */
interface Advice {
  least(path: string, least: number, written: string, reason: string): void;
  warn(option: readonly string[], message: string): void;
}

/** Warns of limits at `path` that keep ordinary clients out. */
export function adviseLimits(rules: Advice, path: string): void {
  const slow = 'clients beyond a slow or busy network need more';
  rules.least(`${path}.headersTimeout`, 1000, '1s', slow);
  rules.least(`${path}.requestTimeout`, 1000, '1s', slow);
  rules.least(`${path}.answerTimeout`, 1000, '1s', slow);
  const reason =
    'proxies keep idle connections for 60s, and would send requests on connections that are being closed';
  rules.least(`${path}.keepAliveTimeout`, 61_000, '61s', reason);
  rules.least(`${path}.headerBytes`, 4096, '4KiB', 'proxies add fields of their own, such as tokens');
  rules.least(`${path}.requestTarget`, 1024, '1KiB', 'a node selector below an escaped group ID is long');
  rules.least(`${path}.connections`, 16, '16', 'every client and every peer needs some');
}

/** The least size of a body that takes ordinary groups. */
export const bodyOfGroup = [64 * 1024, '64KiB', 'a group of some hundred members is larger'] as const;

type LogOptions = z.output<typeof log>;

/** Warns of options of the log at `path` that have no effect. */
export function adviseLog(rules: Advice, { file: name, level, rotateBytes }: LogOptions): void {
  if (name === undefined && rotateBytes > 0) {
    rules.warn(['log', 'rotateBytes'], 'has no effect without log.file: standard error is not rotated');
  }
  if (name !== undefined && level === 'silent') {
    rules.warn(['log', 'file'], 'has no effect where log.level is silent');
  }
  adviseRotation(rules, 'log');
}

/** Warns of files at `path` that are full at once. */
export function adviseRotation(rules: Advice, path: string): void {
  rules.least(`${path}.rotateBytes`, 64 * 1024, '64KiB', 'a file is full after some hundred lines then');
}

/** The rules between the limits at `path`. */
export function relateLimits(rules: Ordering, path: string): void {
  const reasonOfTime = 'the headers are part of the request';
  rules.ordered(`${path}.headersTimeout`, `${path}.requestTimeout`, true, reasonOfTime);
  const reasonOfSize = 'the request-target is counted there too';
  rules.ordered(`${path}.requestTarget`, `${path}.headerBytes`, false, reasonOfSize);
}
