import { duration, size, wholeNumber } from '../config/kinds/quantities.js';
import { domain, groupId, identity, telPrefix, xui } from '../config/kinds/identities.js';
import { flag, type Kind, oneOf } from '../config/kinds/kind.js';
import { host, httpUrl, rootPath, xcapRoot } from '../config/kinds/addresses.js';
import {
  auid,
  elementName,
  file,
  folder,
  localName,
  mediaType,
  namespaceName,
  systemName,
} from '../config/kinds/names.js';
import { list, listOr, option, optional, required, requiredList, section, sections } from '../config/rows.js';
import { deadline, httpLimits, log, port, rotation } from '../config/shared-sections.js';
import { comparisons, uniqueWithin, valueForms } from '../usages/declared-usage.js';
import { roles } from '../usages/role-access.js';
import { shippedUsages } from '../usages/shipped-usages.js';

/** The options of the server: every one with its kind, its default and its help. */

const limit = (most: number): Kind<number> => wholeNumber(1, most);

const system = section({
  name: option(systemName, 'local', 'The name of this MC system in logs and in the views of the operator.'),
  domains: requiredList(
    domain,
    'The SIP domains of this MC system: groups and users with a SIP URI of such a domain are defined here. Defaults that need a domain use the first. A subdomain is a domain of its own.',
  ),
  telPrefixes: list(
    telPrefix,
    'The beginnings of tel URIs that are defined here. Where several prefixes fit a number, the longest decides.',
  ),
});

const http = section({
  host: option(
    host,
    '127.0.0.1',
    'The address to listen on. It must be a loopback address where identity.mode is development.',
  ),
  port: option(port, 8080, 'The TCP port to listen on; 0 takes any free one.'),
  root: option(rootPath, '/xcap-root', 'The path of the XCAP root (RFC 4825 clause 6.1).'),
  operations: option(
    rootPath,
    '/operations',
    'The path of the resources for operators, which only administrators may use. It must lie outside the XCAP root.',
  ),
  publicRoot: optional(
    xcapRoot,
    'the address of the request',
    'The XCAP root URI by which clients reach this server; xcap-diff documents name it. Needed behind a proxy.',
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
    'The most bytes that all caches of documents take together; other documents are read from the store again.',
  ),
});

const mostDocuments = wholeNumber(0, 1_000_000_000);
const mostOctets = size('0', '1000000GiB');

const quotas = section({
  xui: section({
    documents: option(
      mostDocuments,
      10_000,
      'The most documents in the users tree of one XUI, of all usages; 0 for any number. This and the options that follow refuse growth only.',
    ),
    octets: option(mostOctets, '1024MiB', 'The most octets of these documents; 0 for any number.'),
  }),
  creator: section({
    documents: option(
      mostDocuments,
      250_000,
      'The most documents that one user, not an administrator, creates in trees that several share, such as groups; 0 for any number.',
    ),
    octets: option(mostOctets, '16384MiB', 'The most octets of these documents; 0 for any number.'),
  }),
  peer: section({
    documents: option(mostDocuments, 250_000, 'The most groups of one peer; 0 for any number.'),
    octets: option(
      mostOctets,
      '32768MiB',
      'The most octets of these groups, as received and as modified, together; 0 for any number.',
    ),
  }),
  total: section({
    documents: option(
      mostDocuments,
      0,
      'The most documents in all; 0 for any number. A tenth is kept for administrators and withdrawals.',
    ),
    octets: option(
      mostOctets,
      0,
      'The most octets of documents in all; 0 for any number. A tenth is kept for administrators and for what policies make of groups.',
    ),
  }),
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
    'How requesters are identified. In development mode identities are taken on trust, so the server listens on loopback addresses only. Access tokens and certificates are not supported yet.',
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
  unknownHomes: option(
    oneOf('refuse', 'warn'),
    'refuse',
    'What happens to a new group whose home is no MC system that is configured here, by the domain of its SIP URI or, where system.telPrefixes lists any, by the prefix of its number: it is refused, because that is most often a mistyped domain (refuse), or it is stored and a Warning header says so (warn). Without a configuration file, where the own domain is an example, it is warn.',
  ),
  unknownNames: option(
    oneOf('warn', 'refuse'),
    'warn',
    'What happens to a group document with a name in the namespace of 3GPP that its schema does not declare: it is stored and a Warning header says so (warn), or it is refused (refuse).',
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
    'Who may read documents in users trees. The owner is the user whose identity is the XUI; `users` means every user of this MC system.',
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
        'Where a value may stand only once: below one parent, in one document, or in all documents of the usage.',
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
      form: required(oneOf(...valueForms), 'The form of the value, where there is one.'),
    }),
    'Values that must have a given form (RFC 4825 clause 5.3).',
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
    'Where an xcap-diff document is POSTed when a group changes (TS 23.280 clause 10.2.7.2). What it could not be told before this server stops it is not told later.',
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
    'The MC service group IDs of our groups that are shared with it by name, whether or not they have members there.',
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
    'How many groups may be on their way to one peer at a time, each in a request of its own.',
  ),
  refusalMemory: option(
    duration('0', '24d'),
    '30s',
    'How long it is remembered that a peer refuses to give a group; with 0 the peer is asked each time.',
  ),
  fetchRate: option(
    wholeNumber(1, 100_000),
    50,
    'How many groups a second may be requested from one peer on behalf of users, and as many on behalf of MC service servers; a burst may have twice as many, and users who have asked for little have half as many besides.',
  ),
  revalidation: option(
    duration('0', '24d'),
    '1h',
    'How often received groups are requested again from their primary MC system; 0 for never.',
  ),
  removals: section({
    groups: option(
      wholeNumber(0, 1_000_000),
      10,
      'A revalidation that would remove more groups of a peer than this removes none, until mcgms accept-removals.',
    ),
    percent: option(
      wholeNumber(0, 100),
      10,
      'The same, in percent of the groups that are held of the peer. One group may always be removed.',
    ),
  }),
  reconciliation: section({
    interval: option(
      duration('0', '24d'),
      '1h',
      'How often it is compared what peers hold of our groups with what they should hold; 0 for never by itself.',
    ),
    rate: option(wholeNumber(1, 100_000), 50, 'How many groups a second are compared with one peer.'),
  }),
  policyDeadline: option(
    deadline,
    '2s',
    'How long the policies may work on one document; time in which the machine stood still does not count.',
  ),
  operationDeadline: option(
    deadline,
    '60s',
    'How long a verification or a refetch that an operator asks for may take in all.',
  ),
});

const audit = section({
  file: option(
    file,
    'audit.jsonl',
    'The file of the audit log: who changed what, and what was delivered when, one JSON value per line. With none there is no such log. A relative path starts at store.folder.',
  ),
  ...rotation,
});

/** The table of the server's options. */
export const options = section({
  system,
  http,
  store,
  quotas,
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
