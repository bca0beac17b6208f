import { parseArgs } from 'node:util';
import { roles, type Role } from './case-format.js';

/** What the command line asks for. */
export interface Options {
  readonly root: string;
  readonly identities: Readonly<Partial<Record<Role, string>>>;
  readonly tokens: Readonly<Partial<Record<Role, string>>>;
  readonly identityHeader: string;
  readonly domain: string;
  readonly creationXui: string;
  readonly only: string | undefined;
  readonly junit: string | undefined;
  readonly ca: string | undefined;
  /** Milliseconds. */
  readonly deadline: number;
  readonly bodyLimit: number | undefined;
  readonly targetLimit: number | undefined;
  readonly lenient: boolean;
}

export type Call =
  | { readonly kind: 'run'; readonly options: Options }
  | { readonly kind: 'help' }
  | { readonly kind: 'list'; readonly only: string | undefined }
  | { readonly kind: 'wrong'; readonly message: string };

export const helpText = `XCAP conformance suite: asks a server what RFC 4825, RFC 4826, RFC 9110 and TS 24.481 say

Usage:
  npm run conformance -- --root URL --user URI [options]
  npm run conformance -- --list

The server:
  --root URL            XCAP root URI, such as http://127.0.0.1:8080/xcap-root
  --ca FILE             certificate authorities in PEM, for https
  --deadline SECONDS    how long to wait for an answer (10)

Who asks:
  --user URI            the administrator, who may create, change and delete groups
  --bearer TOKEN        the administrator's access token
  --role ROLE=URI       another one: member, stranger (a user who is in no group) or server (an MC
                        service server); cases whose role is not given are not applicable
  --token ROLE=TOKEN    the access token of a role
  --identity-header NAME
                        the header field that names who asks, where there is no token
                        (X-3GPP-Asserted-Identity)

What groups are called:
  --domain NAME         the domain of made-up group IDs and users (the domain of --user)
  --creation-xui URI    the group creation XUI (sip:group-creation@DOMAIN)

Limits of the server; cases that need them are not applicable without:
  --body-limit OCTETS   the largest body
  --target-limit OCTETS the longest request-target

What to run and where to tell:
  --lenient             compare documents as XML, not octet for octet: for servers that rewrite what a
                        node edit does not touch
  --only TEXT           cases that have TEXT in clause, id, title or topic
  --list                print the cases and run nothing
  --junit FILE          write a JUnit XML report
  --help                print this

Exit code: 0 where nothing failed, 1 where a case failed, 2 where the suite could not be run.
Every document that a run makes has a random name and is deleted again.
`;

const flags = ['lenient', 'list', 'help'] as const;
const values = [
  'root',
  'ca',
  'deadline',
  'user',
  'bearer',
  'role',
  'token',
  'identity-header',
  'domain',
  'creation-xui',
  'body-limit',
  'target-limit',
  'only',
  'junit',
] as const;
const repeatable: readonly string[] = ['role', 'token'];

class WrongCall extends Error {}

function isOneOf<T extends string>(names: readonly T[], name: string): name is T {
  return names.some((each) => each === name);
}

/** The options as given, before they mean anything. */
function readWords(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(values.map((name) => [name, { type: 'string' as const }])),
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw new WrongCall(`"${token.value}" is no option`);
    const { name, rawName, value } = token;
    if (!rawName.startsWith('--') || !(isOneOf(values, name) || isOneOf(flags, name))) {
      throw new WrongCall(`there is no option ${rawName}`);
    }
    if (isOneOf(flags, name)) {
      if (value !== undefined) throw new WrongCall(`${rawName} takes no value`);
    } else if (value === undefined || value === '' || value.startsWith('--')) {
      throw new WrongCall(`${rawName} needs a value`);
    }
    const former = given.get(name);
    if (former !== undefined && !repeatable.includes(name)) throw new WrongCall(`${rawName} is given twice`);
    given.set(name, [...(former ?? []), value ?? '']);
  }
  return given;
}

function rootOf(text: string | undefined): string {
  if (text === undefined) throw new WrongCall('--root is missing: the XCAP root URI');
  const root = URL.canParse(text) ? new URL(text) : undefined;
  if (root === undefined || !/^https?:$/.test(root.protocol)) {
    throw new WrongCall(`--root is no http or https URI: ${text}`);
  }
  if (root.search !== '' || root.hash !== '' || root.username !== '') {
    throw new WrongCall('--root has neither query nor fragment nor user');
  }
  return text.replace(/\/+$/, '');
}

function byRole(option: string, given: readonly string[]): Partial<Record<Role, string>> {
  const found: Partial<Record<Role, string>> = {};
  for (const text of given) {
    const at = text.indexOf('=');
    const role = text.slice(0, Math.max(at, 0));
    const value = text.slice(at + 1);
    if (!isOneOf(roles, role) || role === 'nobody' || role === 'administrator') {
      throw new WrongCall(
        `--${option} is ROLE=… with a role of member, stranger and server: ${role || text}`,
      );
    }
    if (value === '') throw new WrongCall(`--${option} ${role} has no value`);
    if (found[role] !== undefined) throw new WrongCall(`--${option} ${role} is given twice`);
    found[role] = value;
  }
  return found;
}

function uri(option: string, text: string): string {
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/.test(text))
    throw new WrongCall(`--${option} is no URI: ${text}`);
  return text;
}

function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new WrongCall(`--${option} is a positive number, not ${text}`);
  return value;
}

function optionsOf(given: ReadonlyMap<string, readonly string[]>): Options {
  const one = (name: (typeof values)[number]): string | undefined => given.get(name)?.[0];
  const root = rootOf(one('root'));
  const user = one('user');
  if (user === undefined) throw new WrongCall('--user is missing: who may create groups');
  const administrator = uri('user', user);
  const identities = byRole('role', given.get('role') ?? []);
  for (const [role, value] of Object.entries(identities)) uri(`role ${role}`, value);
  const tokens = byRole('token', given.get('token') ?? []);
  const nameless = Object.keys(tokens).find((role) => !(role in identities));
  if (nameless !== undefined) throw new WrongCall(`--token ${nameless} needs --role ${nameless}=URI`);
  const domain = one('domain') ?? /@([^;?:>]+)/.exec(administrator)?.[1];
  if (domain === undefined) throw new WrongCall('--domain is missing: --user has none');
  const bearer = one('bearer');
  return {
    root,
    identities: { ...identities, administrator },
    tokens: { ...tokens, ...(bearer !== undefined && { administrator: bearer }) },
    identityHeader: one('identity-header') ?? 'X-3GPP-Asserted-Identity',
    domain,
    creationXui: uri('creation-xui', one('creation-xui') ?? `sip:group-creation@${domain}`),
    only: one('only'),
    junit: one('junit'),
    ca: one('ca'),
    deadline: (positive('deadline', one('deadline')) ?? 10) * 1000,
    bodyLimit: positive('body-limit', one('body-limit')),
    targetLimit: positive('target-limit', one('target-limit')),
    lenient: given.has('lenient'),
  };
}

/** Reads a command line. Pure: a wrong call comes back as `wrong`, with what would be right. */
export function readOptions(words: readonly string[]): Call {
  try {
    const given = readWords(words);
    if (given.has('help')) return { kind: 'help' };
    if (given.has('list')) return { kind: 'list', only: given.get('only')?.[0] };
    return { kind: 'run', options: optionsOf(given) };
  } catch (error) {
    if (error instanceof WrongCall) return { kind: 'wrong', message: `${error.message}\nTry --help.` };
    throw error;
  }
}

/** The header fields by which a role says who it is; undefined where the role is not available. */
export function credentialsOf(
  { identities, tokens, identityHeader }: Pick<Options, 'identities' | 'tokens' | 'identityHeader'>,
  role: Role,
): Readonly<Record<string, string>> | undefined {
  if (role === 'nobody') return {};
  const token = tokens[role];
  const identity = identities[role];
  if (token !== undefined) return { Authorization: `Bearer ${token}` };
  return identity === undefined ? undefined : { [identityHeader]: identity };
}
