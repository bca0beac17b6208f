import {
  domain,
  duration,
  hintIdentity,
  host,
  identity,
  oneOf,
  readIdentity,
  rootPath,
  size,
  systemName,
  telPrefix,
  textKind,
  wholeNumber,
  xcapRoot,
} from '../config/kinds/kind.js';
import { list, option, optional, type Output, required, section, sections } from '../config/rows.js';
import {
  type Fault,
  type Found,
  type OptionDescription,
  OptionTable,
  type Relations,
} from '../config/table.js';
import { formatPath, show } from '../config/words.js';
import { logLevels } from '../base/log.js';
import { type ConfigInput, type DeepReadonly, httpLimits, isLoopback } from '../gms/config.js';
import { readGroupPattern, undecided } from './routes.js';

/** The configuration of a gateway: a table of its own, in the manner of config.ts. */

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

const port = wholeNumber(0, 65_535);

const system = section({
  name: option(systemName, 'local', 'The name of this MC system.'),
  identity: required(identity, 'The identity that is asserted to other MC systems, whichever GMS asks.'),
});

const outside = section({
  host: option(
    host,
    '127.0.0.1',
    'The address at which other MC systems, or the proxy in front of them, are heard. A loopback address, as long as requests are believed what they say of themselves.',
  ),
  port: option(port, 8080, 'The TCP port of it; 0 takes any free one.'),
  root: option(rootPath, '/xcap-root', 'The path of the XCAP root that other MC systems address.'),
});

const inside = section({
  host: option(
    host,
    '127.0.0.1',
    'The address at which our own GMSs are heard. A loopback address, as above.',
  ),
  port: optional(
    port,
    'our GMSs call other MC systems themselves',
    'The TCP port of it. Where it is given, our GMSs reach every peer at {root}/{name of the peer}.',
  ),
  root: option(rootPath, '/partners', 'The path that the names of the peers stand below.'),
});

const forwarding = section({
  deadline: option(
    duration('1ms', '24d'),
    '9s',
    'How long a server behind or beyond the gateway may take over one request; then the answer is 504.',
  ),
  bodyBytes: option(size('1KiB', '256MiB'), '1MiB', 'The most bytes of a request body.'),
  answerBytes: option(size('1KiB', '256MiB'), '2MiB', 'The most bytes of an answer.'),
  parallel: option(
    wholeNumber(1, 10_000),
    64,
    'How many requests to one server are on their way at a time; beyond it the answer is 503.',
  ),
});

const gms = section({
  name: required(systemName, 'The name of the GMS in logs.'),
  identity: required(identity, 'The identity that it asserts.'),
  root: required(xcapRoot, 'Its XCAP root URI, which nobody outside is told.'),
  groups: list(
    groupPattern,
    'Group IDs that go there, and patterns with one * in the user part of a SIP URI. A group ID goes before patterns; of patterns that fit, the one with the most characters besides the * decides.',
  ),
  domains: list(
    domain,
    'The domains of SIP URIs whose groups go there, where no group ID or pattern fits. Of our own groups and of groups of other MC systems alike.',
  ),
  telPrefixes: list(
    telPrefix,
    'The beginnings of tel URIs whose groups go there, where no group ID fits. The longest one decides.',
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

const log = section({
  level: option(oneOf(...logLevels), 'info', 'What is logged: this level and the graver ones.'),
});

const table = new OptionTable(
  section({
    system,
    outside,
    inside,
    limits: httpLimits,
    forwarding,
    gms: sections(gms, 'The group management servers of this MC system.'),
    peers: sections(peer, 'The interconnected MC systems. Nobody else is answered.'),
    log,
  }),
);

/** A configuration of a gateway in which every option has its value, in the units of `Config`. */
export type GatewayConfig = DeepReadonly<Output<(typeof table)['schema']>>;
export type GatewayConfigInput = ConfigInput<GatewayConfig>;

/** Every option of a gateway, in the order of the table. */
export function describeGatewayOptions(): OptionDescription[] {
  return table.describe();
}

/** Judges the configuration of a gateway. Pure. */
export function checkGatewayConfig(
  raw: unknown,
): { readonly config: GatewayConfig } | { readonly faults: readonly Fault[] } {
  const result = table.check(raw, relate);
  return 'values' in result ? { config: result.values } : result;
}

function relate(relations: Relations): void {
  relations.distinct('the name', 'every server needs a name of its own', ['gms[].name']);
  relations.distinct('the name', 'every MC system needs a name of its own', ['system.name', 'peers[].name']);
  relations.distinct('the XCAP root', 'every server needs an XCAP root of its own', [
    'gms[].root',
    'peers[].root',
  ]);
  relations.distinct('the identity', 'a peer is known by an identity of its own', ['peers[].identity']);
  relations.distinct('the identity', 'a GMS is known by an identity of its own', ['gms[].identity']);
  relations.ordered(
    'limits.headersTimeout',
    'limits.requestTimeout',
    true,
    'the headers are part of the request',
  );
  relations.ordered(
    'limits.requestTarget',
    'limits.headerBytes',
    false,
    'the request-target is counted there too',
  );
  relateIdentities(relations);
  relateRoutes(relations);
  relateAddresses(relations);
}

function relateIdentities(relations: Relations): void {
  // One of our GMSs may assert the identity of the system.
  const peers = new Map(relations.sound('peers[].identity').map(({ path, value }) => [value, path]));
  for (const { path, value } of ['system.identity', 'gms[].identity'].flatMap((row) =>
    relations.sound(row),
  )) {
    const other = peers.get(value);
    if (other === undefined) continue;
    relations.fault(
      path,
      `the identity ${show(value)} stands at ${formatPath(other)} too; a peer is not one of us`,
    );
  }
}

/** That every group ID has one way to go at most, and every GMS one group ID at least. */
function relateRoutes(relations: Relations): void {
  const right = 'a group ID goes to one GMS';
  relations.distinct('the group ID or pattern', right, ['gms[].groups[]']);
  relations.distinct('the domain', right, ['gms[].domains[]']);
  relations.distinct('the prefix', right, ['gms[].telPrefixes[]']);
  const patterns = relations.sound('gms[].groups[]');
  for (const [index, later] of patterns.entries()) {
    const rival = patterns
      .slice(0, index)
      .find((earlier) => !isSameGms(earlier, later) && areUndecided(earlier, later));
    if (rival === undefined) continue;
    relations.fault(
      later.path,
      `a group ID can fit ${show(later.value)} and ${show(rival.value)} at ${formatPath(rival.path)} equally well; give one of them more characters`,
    );
  }
  const servers = relations.sound('gms');
  if (servers.some(({ value }) => Array.isArray(value) && value.length === 0)) {
    relations.fault(['gms'], 'is missing; a gateway needs at least one GMS behind it');
  }
  const routed = new Set(
    ['gms[].groups[]', 'gms[].domains[]', 'gms[].telPrefixes[]']
      .flatMap((row) => relations.given(row))
      .map(({ path }) => path[1]),
  );
  for (const { path } of relations.given('gms[]')) {
    if (!routed.has(path[1]))
      relations.fault(path, 'no group ID goes there; give it groups, domains or telPrefixes');
  }
}

function isSameGms(one: Found, other: Found): boolean {
  return one.path[1] === other.path[1];
}

function areUndecided(one: Found, other: Found): boolean {
  return undecided(String(one.value), String(other.value));
}

/** That nothing listens where it must not, and that no root leads back here. */
function relateAddresses(relations: Relations): void {
  for (const { path, value } of ['outside.host', 'inside.host'].flatMap((row) => relations.sound(row))) {
    if (isLoopback(String(value))) continue;
    relations.fault(
      path,
      `${show(value)} is not a loopback address; requests are believed what they say of themselves, so it may be 127.0.0.1, ::1 or localhost only`,
    );
  }
  const ports = ['outside.port', 'inside.port']
    .flatMap((row) => relations.sound(row))
    .map(({ value }) => value);
  if (ports.length === 2 && ports[0] === ports[1] && ports[0] !== 0) {
    relations.fault(
      ['inside', 'port'],
      'is the port of outside too; our GMSs and other MC systems are heard apart',
    );
  }
  for (const { path, value } of ['gms[].root', 'peers[].root'].flatMap((row) => relations.sound(row))) {
    const url = new URL(String(value));
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (!isLoopback(name) || !ports.includes(Number(url.port === '' ? 80 : url.port))) continue;
    relations.fault(path, 'leads back to this gateway');
  }
  const called = relations.given('peers[]').length > 0 && relations.sound('peers[].root').length > 0;
  const listens = relations.sound('inside.port').length > 0;
  if (called && !listens) {
    relations.fault(['inside', 'port'], 'is missing; without it no GMS can reach a peer at its root', [
      'peers',
    ]);
  }
}
