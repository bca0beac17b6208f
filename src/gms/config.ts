import { isAbsolute, join } from 'node:path';
import { HomeSystems, type HomeSystem } from '../mc-systems/homes.js';
import { roles } from '../usages/role-access.js';
import { ConfigurationError } from '../base/errors.js';
import type { Auid, SystemName, Xui } from '../base/identifiers.js';
import { logLevels } from '../base/log.js';
import { formatPath, show } from '../config/words.js';
import {
  type Fault,
  type OptionDescription,
  OptionTable,
  type Relations,
  valuesAt,
} from '../config/table.js';
import {
  type Kind,
  auid,
  domain,
  duration,
  elementName,
  file,
  flag,
  folder,
  groupId,
  host,
  httpUrl,
  identity,
  isIpv4,
  localName,
  mediaType,
  namespaceName,
  oneOf,
  readIpv6,
  rootPath,
  size,
  systemName,
  telPrefix,
  wholeNumber,
  xcapRoot,
  xui,
} from '../config/kinds/kind.js';
import {
  type Output,
  type Scalar,
  list,
  listOr,
  option,
  optional,
  required,
  requiredList,
  section,
  sections,
} from '../config/rows.js';
import { groupsAuid } from '../groups/names.js';
import { serviceAuthorisationsPath } from '../http/service-authorisations.js';
import { policyAuid } from '../policy/usage.js';
import { capsAuid } from '../usages/caps.js';
import { comparisons, uniqueWithin, valueForms } from '../usages/declared-usage.js';
import { directoryAuid } from '../usages/directory-document.js';
import { shippedUsages } from '../usages/shipped-usages.js';

/**
 * The configuration: one table of every option with its default, its type and its help text, the rules
 * between options, and the typed value that comes out. How a table is read: see config/table.ts.
 */

/** Application usages with code of their own; the configuration cannot declare them. */
const ownAuids: readonly Auid[] = [groupsAuid, policyAuid, capsAuid, directoryAuid];

// A timer of Node.js counts milliseconds in 31 bits.
export const deadline = duration('1ms', '24d');
const limit = (most: number): Kind<number> => wholeNumber(1, most);

const system = section({
  name: option(systemName, 'local', 'The name of this MC system in logs and in the views of the operator.'),
  domains: requiredList(
    domain,
    'The domains of SIP URIs that are homed here: groups with such an MC service group ID are defined here, users with such an MC service ID are ours. The first also stands in defaults. Compared as a whole: a subdomain is a domain of its own.',
  ),
  telPrefixes: list(
    telPrefix,
    'The beginnings of tel URIs that are homed here. Where several prefixes fit a number, the longest decides.',
  ),
});

/** Limits of an HTTP server. */
export const httpLimits = section({
  headersTimeout: option(deadline, '10s', 'How long a client may take to send the headers of a request.'),
  requestTimeout: option(deadline, '30s', 'How long a client may take to send a whole request.'),
  keepAliveTimeout: option(deadline, '5s', 'How long an idle connection stays open after an answer.'),
  headerBytes: option(
    size('1KiB', '1MiB'),
    '16KiB',
    'The most bytes of a request line and headers together.',
  ),
  requestTarget: option(size('256B', '1MiB'), '8KiB', 'The most bytes of a request-target.'),
  connections: option(limit(1_000_000), 1000, 'The most connections at one time.'),
});

const http = section({
  host: option(
    host,
    '127.0.0.1',
    'The address to listen on. With identity.mode development only a loopback address.',
  ),
  port: option(wholeNumber(0, 65_535), 8080, 'The TCP port to listen on; 0 takes any free one.'),
  root: option(rootPath, '/xcap-root', 'The path of the XCAP root (RFC 4825 clause 6.1).'),
  operations: option(
    rootPath,
    '/operations',
    'The path of the resources for operators, for administrators only. Beside the XCAP root, not in it.',
  ),
  publicRoot: optional(
    xcapRoot,
    'the address of the request',
    'The XCAP root URI that clients reach this server by, for documents that name it (xcap-diff). Needed behind a proxy.',
  ),
  limits: httpLimits,
});

const store = section({
  folder: option(
    folder,
    './data',
    'Where documents are kept. A relative path starts at the folder of the configuration file.',
  ),
  cacheBytes: option(
    size('0', '16GiB'),
    '64MiB',
    'The most bytes of documents kept in memory; what is not kept is read again.',
  ),
});

const xml = section({
  bodyBytes: option(size('1KiB', '256MiB'), '1MiB', 'The most bytes of an XML body.'),
  depth: option(limit(256), 64, 'The deepest nesting of elements.'),
  attributes: option(limit(10_000), 256, 'The most attributes of one element.'),
  namespaces: option(limit(10_000), 64, 'The most namespace declarations of one element.'),
  elements: option(limit(10_000_000), 50_000, 'The most elements of one document.'),
  selectorSteps: option(limit(256), 32, 'The most steps of a node selector.'),
});

const identities = section({
  mode: option(
    oneOf('development'),
    'development',
    'How requests are identified. Development trusts what a request says of itself and so listens on loopback addresses only. Access tokens and certificates are not there yet.',
  ),
  administrators: list(identity, 'Who may write every group document and the policies.'),
});

const groups = section({
  creationXui: optional(
    xui,
    'sip:group-creation@ and the first of system.domains',
    'The group creation XUI: the users tree in which clients create group documents (TS 24.481).',
  ),
  creators: list(
    identity,
    'Users who may create group documents, and read, change and delete those that name them as owner.',
  ),
  unknownNames: option(
    oneOf('warn', 'refuse'),
    'warn',
    'What becomes of a group document with a name in the namespace of 3GPP that its schema does not declare: it is stored and a Warning says so, or it is refused.',
  ),
});

const role = oneOf(...roles);

const declaredUsage = section({
  auid: required(auid, 'The application unique ID (RFC 4825 clause 5.1).'),
  defaultNamespace: required(
    namespaceName,
    'The namespace of names without a prefix in node selectors (RFC 4825 clause 5.2).',
  ),
  mediaType: required(mediaType, 'The media type of the documents (RFC 4825 clause 5.9).'),
  schema: optional(
    file,
    'no schema: any well-formed document',
    'The XML schema of the documents. A relative path starts at the folder of the configuration file. It may import files of its own folder, and the schemas that come with the server.',
  ),
  root: optional(elementName, 'any element that the schema declares', 'The document element.'),
  namespaces: list(namespaceName, 'Further namespaces that xcap-caps lists (RFC 4825 clause 12).'),
  trees: listOr(oneOf('users', 'global'), ['users'], 'The trees in which documents may stand.', 1),
  read: listOr(
    role,
    ['owner', 'administrators'],
    'Who may read documents in users trees. The owner is whose identity the XUI is; users are all of this MC system.',
  ),
  write: listOr(role, ['owner', 'administrators'], 'Who may write documents in users trees.'),
  readGlobal: listOr(
    role,
    ['users', 'administrators', 'mc-service-servers'],
    'Who may read documents in the global tree.',
  ),
  writeGlobal: listOr(role, ['administrators'], 'Who may write documents in the global tree.'),
  unique: sections(
    section({
      element: required(elementName, 'The elements whose attribute must be unique.'),
      attribute: required(localName, 'The attribute, which has no namespace.'),
      within: option(
        oneOf(...uniqueWithin),
        'parent',
        'Where a value may stand once: below one parent, in one document, or in all documents of the usage.',
      ),
      compare: option(oneOf(...comparisons), 'text', 'Whether values are compared as text or as URIs.'),
      alternatives: option(flag, false, 'Whether a refusal offers free values near the one that is taken.'),
    }),
    'Values that must be unique (RFC 4825 clause 5.3).',
  ),
  values: sections(
    section({
      element: required(elementName, 'The elements that must have values of the form.'),
      attribute: optional(localName, 'the text of the element', 'The attribute, which has no namespace.'),
      form: required(oneOf(...valueForms), 'What the value must be, where there is one.'),
    }),
    'Values that must be of some form (RFC 4825 clause 5.3).',
  ),
});

const usages = section({
  shipped: listOr(
    oneOf(...shippedUsages),
    shippedUsages,
    'The application usages that come with the server and are offered: the lists and list services of RFC 4826.',
  ),
  declared: sections(declaredUsage, 'Further application usages (RFC 4825 clause 5).'),
});

const mcServiceServer = section({
  identity: required(identity, 'The identity the MC service server asserts.'),
  inform: optional(
    httpUrl,
    'not informed',
    'Where an xcap-diff document is POSTed when a group changes (TS 23.280 clause 10.2.7.2).',
  ),
});

const peer = section({
  name: required(systemName, 'The name of the MC system.'),
  identity: required(identity, 'The identity that the group management server of the MC system asserts.'),
  root: required(xcapRoot, 'Its XCAP root URI. No other address is ever called for this peer.'),
  domains: requiredList(domain, 'The domains of SIP URIs that are homed there.'),
  telPrefixes: list(telPrefix, 'The beginnings of tel URIs that are homed there.'),
  provide: option(flag, true, 'Whether our groups with members there are provided to it.'),
  accept: option(flag, true, 'Whether groups that it provides are accepted.'),
  request: option(flag, true, 'Whether its groups are requested from it when one of our users asks for one.'),
  answer: option(flag, true, 'Whether its requests for our groups are answered.'),
  reportModifications: option(
    flag,
    false,
    'Whether our answer to a provision lists what our policy modified.',
  ),
  groups: list(
    groupId,
    'The MC service group IDs of our groups that are shared with it by name, whoever their members are.',
  ),
});

const interconnection = section({
  identity: optional(
    identity,
    'required where there are peers',
    'The identity that we assert to other group management servers.',
  ),
  peerDeadline: option(deadline, '10s', 'How long one request to a peer may take.'),
  fetchDeadline: option(deadline, '15s', 'How long a client waits, in all, for a group that is fetched.'),
  answerBytes: option(size('1KiB', '256MiB'), '2MiB', 'The most bytes of an answer of a peer.'),
  backOff: section({
    first: option(
      deadline,
      '10s',
      'The pause after the first failed delivery; it doubles with each further one.',
    ),
    cap: option(deadline, '1h', 'The longest pause between deliveries.'),
  }),
  parallel: option(
    wholeNumber(1, 1000),
    8,
    'How many groups are on their way to one peer at a time, each in one request.',
  ),
  refusalMemory: option(
    duration('0', '24d'),
    '30s',
    'How long the refusal of a peer to give a group is remembered; 0 asks again each time.',
  ),
  fetchRate: option(
    wholeNumber(1, 100_000),
    50,
    'How many groups a second are requested from one peer because somebody asks for what is not here; twice as many at once.',
  ),
  revalidation: option(
    duration('0', '24d'),
    '1h',
    'How often groups that were received are asked for again at their primary MC system; 0 for never.',
  ),
  policyDeadline: option(deadline, '2s', 'How long the policy may take over one document.'),
  operationDeadline: option(
    deadline,
    '60s',
    'How long it may take, in all, when an operator verifies or refetches the groups of a peer.',
  ),
});

const audit = section({
  file: option(
    file,
    'audit.jsonl',
    'Where it is written who changed what and what was delivered when, one JSON value per line; none for no such log. A relative path starts at store.folder.',
  ),
});

const log = section({
  level: option(oneOf(...logLevels), 'info', 'What is logged: this level and the graver ones.'),
});

const table = section({
  system,
  http,
  store,
  xml,
  identity: identities,
  groups,
  usages,
  mcServiceServers: sections(
    mcServiceServer,
    'The MC service servers (MCPTT, MCVideo, MCData) of this MC system, which read groups and are informed of changes.',
  ),
  peers: sections(peer, 'The interconnected MC systems. Groups are provided to, and taken from, these only.'),
  interconnection,
  audit,
  log,
});

// ---------------------------------------------------------------------------------------------------
// Types

export type DeepReadonly<T> = T extends Scalar | undefined
  ? T
  : { readonly [Name in keyof T]: DeepReadonly<T[Name]> };

type Table = DeepReadonly<Output<typeof table>>;

/**
 * A configuration in which every option has its value: times in milliseconds, sizes in bytes, URIs,
 * domains and prefixes in canonical form, `store.folder` relative to the working folder or absolute.
 */
export type Config = Omit<Table, 'groups'> & {
  readonly groups: Table['groups'] & { readonly creationXui: Xui };
};

export type DeclaredUsageConfig = Config['usages']['declared'][number];

/** A configuration as it is written: every option may be absent, quantities may carry a unit. */
export type ConfigInput<T = Config> = T extends string
  ? string
  : T extends number
    ? number | string
    : T extends boolean | undefined
      ? T
      : T extends readonly (infer Entry)[]
        ? readonly ConfigInput<Entry>[]
        : { readonly [Name in keyof T]?: ConfigInput<T[Name]> | undefined };

// ---------------------------------------------------------------------------------------------------
// Reading the table

const options = new OptionTable(table);

/** Every option, in the order of the table. */
export function describeOptions(): OptionDescription[] {
  return options.describe();
}

// ---------------------------------------------------------------------------------------------------
// Rules between options

function checkRelations(raw: unknown, relations: Relations): void {
  relations.distinct('the name', 'every MC system needs a name of its own', ['system.name', 'peers[].name']);
  relations.distinct('the domain', 'a domain is homed in one MC system and listed once', [
    'system.domains[]',
    'peers[].domains[]',
  ]);
  relations.distinct('the prefix', 'a prefix is homed in one MC system and listed once', [
    'system.telPrefixes[]',
    'peers[].telPrefixes[]',
  ]);
  relations.distinct('the identity', 'an identity has one role and is listed once', [
    'identity.administrators[]',
    'mcServiceServers[].identity',
    'interconnection.identity',
    'peers[].identity',
  ]);
  relations.distinct('the XCAP root', 'every MC system needs an XCAP root of its own', [
    'http.publicRoot',
    'peers[].root',
  ]);

  relations.distinct('the AUID', 'every application usage is offered once', ['usages.shipped[]']);
  relations.distinct('the AUID', 'every application usage is offered once', ['usages.declared[].auid']);
  const shipped = relations
    .sound('usages.shipped')
    .flatMap(({ value }) => (Array.isArray(value) ? (value as unknown[]) : []));
  for (const { path, value } of relations.sound('usages.declared[].auid')) {
    if (ownAuids.includes(value as Auid)) {
      relations.fault(path, `${show(value)} is an application usage of the server itself`);
    } else if (shipped.includes(value)) {
      relations.fault(
        path,
        `${show(value)} comes with the server; leave it out of usages.shipped to declare another`,
      );
    }
  }

  for (const { path, value } of relations.sound('http.root')) {
    if (
      !isBelow(String(value), serviceAuthorisationsPath) &&
      !isBelow(serviceAuthorisationsPath, String(value))
    )
      continue;
    const taken = show(serviceAuthorisationsPath);
    relations.fault(
      path,
      `${show(value)} and ${taken}, where service authorisations are told, must not lie within each other`,
    );
  }
  for (const { path, value } of relations.sound('http.operations')) {
    const taken = [
      ...relations.sound('http.root').map((root) => String(root.value)),
      serviceAuthorisationsPath,
    ].find((other) => isBelow(String(value), other) || isBelow(other, String(value)));
    if (taken === undefined) continue;
    const written = valuesAt(raw, 'http.operations')[0]?.value !== undefined;
    const at = written ? path : ['http', 'root'];
    relations.fault(path, `${show(value)} and ${show(taken)} must not lie within each other`, at);
  }

  relations.ordered(
    'http.limits.headersTimeout',
    'http.limits.requestTimeout',
    true,
    'the headers are part of the request',
  );
  relations.ordered(
    'http.limits.requestTarget',
    'http.limits.headerBytes',
    false,
    'the request-target is counted there too',
  );
  relations.ordered(
    'interconnection.backOff.first',
    'interconnection.backOff.cap',
    true,
    'the cap is the longest pause',
  );

  for (const { path, value } of relations.sound('http.host')) {
    const development = relations.sound('identity.mode').some((mode) => mode.value === 'development');
    if (development && !isLoopback(String(value))) {
      relations.fault(
        path,
        `${show(value)} is not a loopback address; identity.mode development identifies nobody and may listen on 127.0.0.1, ::1 or localhost only`,
      );
    }
  }

  const homedAt = (domains: string, prefixes: string, except?: HomeSystem): HomeSystem => {
    const values = (pattern: string, left: readonly string[] = []): string[] =>
      relations
        .sound(pattern)
        .map(({ value }) => String(value))
        .filter((value) => !left.includes(value));
    return {
      name: (except === undefined ? 'own' : 'others') as SystemName,
      domains: values(domains, except?.domains),
      telPrefixes: values(prefixes, except?.telPrefixes),
    };
  };
  if (relations.sound('system.domains').length > 0 && relations.sound('system.telPrefixes').length > 0) {
    const here = homedAt('system.domains[]', 'system.telPrefixes[]');
    const homes = new HomeSystems(here, [homedAt('peers[].domains[]', 'peers[].telPrefixes[]', here)]);
    for (const { path, value } of relations.sound('peers[].groups[]')) {
      if (homes.isOwn(String(value))) continue;
      relations.fault(
        path,
        `the group ${show(value)} is not homed here; only groups of our own can be shared`,
      );
    }
  }

  const own = valuesAt(raw, 'interconnection.identity')[0]?.value;
  if (own === undefined && valuesAt(raw, 'peers[]').length > 0) {
    relations.fault(
      ['interconnection', 'identity'],
      `is missing; where there are peers it must be ${identity.right}`,
      ['peers'],
    );
  }
}

/** Whether `path` is `other` or lies below it. */
function isBelow(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}

/** Whether `name` is a loopback address as `http.host` gives it: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(name: string): boolean {
  return (
    name.toLowerCase() === 'localhost' ||
    readIpv6(name) === '::1' ||
    (isIpv4(name) && name.startsWith('127.'))
  );
}

// ---------------------------------------------------------------------------------------------------
// Entrances

/**
 * Judges a whole configuration. Pure: nothing is read, nothing is resolved against the machine.
 *
 * @param raw mappings, lists and scalars, as a YAML parser gives them
 * @param baseFolder what a relative `store.folder` starts at
 * @returns the configuration, or every mistake in it, in no particular order
 */
export function checkConfig(
  raw: unknown,
  baseFolder: string,
): { readonly config: Config } | { readonly faults: readonly Fault[] } {
  const result = options.check(raw, (relations) => {
    checkRelations(raw, relations);
  });
  if ('values' in result) {
    const { groups: given, store: kept, usages: offered, ...rest } = result.values;
    const creationXui = given.creationXui ?? (`sip:group-creation@${rest.system.domains[0] ?? ''}` as Xui);
    const placed = (path: string): string => (isAbsolute(path) ? path : join(baseFolder, path));
    const declared = offered.declared.map(({ schema, ...usage }) => ({
      ...usage,
      schema: schema && placed(schema),
    }));
    return {
      config: {
        ...rest,
        groups: { ...given, creationXui },
        store: { ...kept, folder: placed(kept.folder) },
        usages: { ...offered, declared },
      },
    };
  }
  return result;
}

const startingPoint: ConfigInput = {
  system: { domains: ['police.example'] },
  identity: { administrators: ['sip:admin@police.example'] },
  mcServiceServers: [{ identity: 'sip:mcptt-server@police.example' }],
};

function merge(base: unknown, over: unknown): unknown {
  const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (over === undefined) return base;
  if (!isMapping(base) || !isMapping(over)) return over;
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(over)) merged.set(name, merge(merged.get(name), value));
  return Object.fromEntries(merged);
}

/**
 * The configuration of a start without a file: development mode on 127.0.0.1:8080, documents in
 * `./data`, the domain `police.example` homed here with one administrator and one MC service server.
 *
 * @param overrides options that differ, written as in a file; lists replace lists, undefined is absent
 * @throws ConfigurationError naming every option that is wrong
 */
export function defaultConfig(overrides: ConfigInput = {}): Config {
  const result = checkConfig(merge(startingPoint, overrides), '.');
  if ('config' in result) return result.config;
  const lines = result.faults.map(({ option, message }) => `${formatPath(option)}: ${message}`);
  throw new ConfigurationError(lines.join('\n'));
}
