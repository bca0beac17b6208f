import { isAbsolute, join } from 'node:path';
import { isLoopback, host, rootPath, xcapRoot } from '../config/kinds/addresses.js';
import { domain, hintIdentity, identity, readIdentity, telPrefix } from '../config/kinds/identities.js';
import { textKind } from '../config/kinds/kind.js';
import { systemName } from '../config/kinds/names.js';
import { size, wholeNumber } from '../config/kinds/quantities.js';
import type { OptionDescription } from '../config/manual.js';
import { list, option, optional, type Output, required, section, sections } from '../config/rows.js';
import type { Rules } from '../config/rules.js';
import {
  adviseLimits,
  adviseLog,
  bodyOfGroup,
  deadline,
  httpLimits,
  log,
  port,
  relateLimits,
} from '../config/shared-sections.js';
import { warnOfAlikeIdentities, warnOfAlikeRoots } from '../config/alike.js';
import { type DeepReadonly, type InputOf, type Judgement, OptionTable } from '../config/table.js';
import { formatPath, show } from '../config/words.js';
import { firstRivals, readGroupPattern } from './routes.js';

/** The configuration of a gateway: its table of options, and the rules between them. */

const groupPattern = textKind(
  'MC service group ID or pattern',
  'an MC service group ID, or a SIP URI with one * in its user part, such as sip:river-*@fire.example',
  (text) => {
    const pattern = readGroupPattern(text);
    return pattern === undefined || readIdentity(pattern) === undefined ? undefined : pattern;
  },
  (text) =>
    /^tel:\+\d*\*$/.test(text) ? 'the beginnings of tel URIs go to telPrefixes' : hintIdentity(text),
);

const system = section({
  name: option(systemName, 'local', 'The name of this MC system.'),
  identity: required(identity, 'The identity that the gateway asserts to other MC systems, for every GMS.'),
});

const outside = section({
  host: option(
    host,
    '127.0.0.1',
    'The address to listen on for other MC systems, or for the proxy in front of them. Must be a loopback address: until there is authentication, identities are taken on trust.',
  ),
  port: option(port, 8080, 'The TCP port to listen on for them; 0 takes any free one.'),
  root: option(rootPath, '/xcap-root', 'The path of the XCAP root that other MC systems address.'),
});

const inside = section({
  host: option(
    host,
    '127.0.0.1',
    'The address to listen on for our own GMSs. Must be a loopback address, as above.',
  ),
  port: optional(
    port,
    'our GMSs call other MC systems themselves',
    'The TCP port to listen on for them. With it, our GMSs reach every peer at {root}/{name of the peer}.',
  ),
  root: option(rootPath, '/partners', 'The path below which the names of the peers stand.'),
});

const forwarding = section({
  deadline: option(
    deadline,
    '9s',
    'How long a server behind or beyond the gateway may take over one request; then the answer is 504.',
  ),
  bodyBytes: option(size('1KiB', '256MiB'), '1MiB', 'The most bytes of a request body.'),
  answerBytes: option(size('1KiB', '256MiB'), '2MiB', 'The most bytes of an answer.'),
  parallel: option(
    wholeNumber(1, 10_000),
    64,
    'How many requests to one server are on their way at a time; beyond it the answer is 503. Each peer and GMS may have an eighth of them, and one at least, whatever the others have.',
  ),
});

const gms = section({
  name: required(systemName, 'The name of the GMS in logs.'),
  identity: required(identity, 'The identity that it asserts.'),
  root: required(xcapRoot, 'Its XCAP root URI, which is never told to the outside.'),
  groups: list(
    groupPattern,
    'Group IDs that are routed there, and patterns with one * in the user part of a SIP URI. A group ID takes precedence over patterns; of the patterns that fit, the one with the most characters besides the * decides.',
  ),
  domains: list(
    domain,
    'The SIP domains whose groups are routed there where no group ID or pattern fits, whether they are our own groups or groups of another MC system.',
  ),
  telPrefixes: list(
    telPrefix,
    'The beginnings of tel URIs whose groups are routed there where no group ID fits. The longest one decides.',
  ),
});

const peer = section({
  name: required(systemName, 'The name of the MC system.'),
  identity: required(identity, 'The identity that the group management server of the MC system asserts.'),
  root: optional(
    xcapRoot,
    'never called',
    "Its XCAP root URI, or its proxy's, for requests of our GMSs. No other address is ever called for it.",
  ),
});

const options = section({
  system,
  outside,
  inside,
  limits: httpLimits,
  forwarding,
  gms: sections(gms, 'The group management servers of this MC system.'),
  peers: sections(peer, 'The interconnected MC systems. No other MC system is served.'),
  log,
});

/** A configuration of a gateway in which every option has its value, in the units of the server's. */
export type GatewayConfig = DeepReadonly<Output<typeof options>>;
export type GatewayConfigInput = InputOf<GatewayConfig>;

type GatewayRules = Rules<Output<typeof options>>;

const table = new OptionTable(options, relate, advise);

/** Every option of a gateway, in the order of the table. */
export function describeGatewayOptions(): OptionDescription[] {
  return table.describe();
}

/**
 * Judges the configuration of a gateway. Pure.
 *
 * @param baseFolder what relative paths start at
 */
export function checkGatewayConfig(raw: unknown, baseFolder = ''): Judgement<GatewayConfig> {
  const result = table.check(raw);
  if ('faults' in result) return result;
  const { log, ...rest } = result.config;
  const placed = (path: string): string => (isAbsolute(path) ? path : join(baseFolder, path));
  return { ...result, config: { ...rest, log: { ...log, file: log.file && placed(log.file) } } };
}

function relate(rules: GatewayRules): void {
  rules.distinct('the name', 'every server needs a name of its own', 'gms[].name');
  rules.distinct('the name', 'every MC system needs a name of its own', 'system.name', 'peers[].name');
  rules.distinct('the XCAP root', 'every server needs an XCAP root of its own', 'gms[].root', 'peers[].root');
  rules.distinct('the identity', 'a peer is known by an identity of its own', 'peers[].identity');
  rules.distinct('the identity', 'a GMS is known by an identity of its own', 'gms[].identity');
  relateLimits(rules, 'limits');
  relateIdentities(rules);
  relateRoutes(rules);
  relateAddresses(rules);
}

function relateIdentities(rules: GatewayRules): void {
  // One of our GMSs may assert the identity of the system.
  const peers = new Map(rules.all('peers[].identity').map(({ path, value }) => [value, path]));
  for (const { path, value } of [...rules.all('system.identity'), ...rules.all('gms[].identity')]) {
    const other = peers.get(value);
    if (other === undefined) continue;
    const where = formatPath(other);
    rules.fault(path, `the identity ${show(value)} stands at ${where} too; a peer is not one of us`);
  }
}

/** That every group ID has one way to go at most, and every GMS one group ID at least. */
function relateRoutes(rules: GatewayRules): void {
  const right = 'a group ID goes to one GMS';
  rules.distinct('the group ID or pattern', right, 'gms[].groups[]');
  rules.distinct('the domain', right, 'gms[].domains[]');
  rules.distinct('the prefix', right, 'gms[].telPrefixes[]');
  const patterns = rules.all('gms[].groups[]');
  const rivals = firstRivals(patterns.map(({ path: [, gms], value }) => ({ text: value, owner: gms })));
  for (const [index, later] of patterns.entries()) {
    const rival = patterns[rivals[index] ?? -1];
    if (rival === undefined) continue;
    const both = `${show(later.value)} and ${show(rival.value)} at ${formatPath(rival.path)}`;
    rules.fault(later.path, `a group ID can fit ${both} equally well; give one of them more characters`);
  }
  const { gms: servers } = rules.values;
  if (servers.length === 0 && !rules.isWrong('gms')) {
    rules.fault(['gms'], 'is missing; a gateway needs at least one GMS behind it');
  }
  for (const [index, { groups, domains, telPrefixes }] of servers.entries()) {
    if (groups.length + domains.length + telPrefixes.length > 0) continue;
    rules.fault(['gms', index], 'no group ID goes there; give it groups, domains or telPrefixes');
  }
}

/** What is hardly meant. */
function advise(values: Output<typeof options>, rules: GatewayRules): void {
  adviseLimits(rules, 'limits');
  adviseLog(rules, values.log);
  rules.least('forwarding.bodyBytes', ...bodyOfGroup);
  rules.least('forwarding.answerBytes', ...bodyOfGroup);
  const short = 'servers beyond a slow or busy network need more';
  rules.least('forwarding.deadline', 100, '100ms', short);
  if (values.peers.length === 0) {
    rules.warn(['peers'], 'is empty, so no other MC system is heard and none is called');
  }
  warnOfAlikeIdentities(rules, rules.all('peers[].identity'), rules.all('gms[].identity'));
  warnOfAlikeRoots(rules, rules.all('gms[].root'), rules.all('peers[].root'));
}

/** That nothing listens where it must not, and that no root leads back here. */
function relateAddresses(rules: GatewayRules): void {
  for (const { path, value } of [...rules.all('outside.host'), ...rules.all('inside.host')]) {
    if (isLoopback(value)) continue;
    rules.fault(
      path,
      `${show(value)} is not a loopback address; identities are taken on trust, so only 127.0.0.1, ::1 or localhost is allowed`,
    );
  }
  const { outside: outer, inside: inner, peers } = rules.values;
  if (outer.port === inner.port && inner.port !== undefined && inner.port !== 0) {
    const path = ['inside', 'port'];
    rules.fault(path, 'is the port of outside too; our GMSs and other MC systems are heard apart');
  }
  for (const { path, value } of [...rules.all('gms[].root'), ...rules.all('peers[].root')]) {
    const url = new URL(value);
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
    const at = Number(url.port === '' ? 80 : url.port);
    if (isLoopback(name) && (at === outer.port || at === inner.port)) {
      rules.fault(path, 'leads back to this gateway');
    }
  }
  if (inner.port === undefined && peers.some(({ root }) => root !== undefined)) {
    rules.fault(['inside', 'port'], 'is missing; without it no GMS can reach a peer at its root', ['peers']);
  }
}
