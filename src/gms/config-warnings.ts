import { isAbsolute } from 'node:path';
import { warnOfAlikeIdentities, warnOfAlikeRoots } from '../config/alike.js';
import { isLoopback } from '../config/kinds/addresses.js';
import type { Output } from '../config/rows.js';
import type { Rules } from '../config/rules.js';
import { adviseLimits, adviseLog, adviseRotation, bodyOfGroup } from '../config/shared-sections.js';
import { formatPath, show } from '../config/words.js';
import { HomeSystems } from '../mc-systems/homes.js';
import type { options } from './options.js';

/**
 * What is lawful in a server's configuration, but hardly meant so. Kinds of values warn of what is strange about a
 * value by itself; here stands what needs other options, or experience with a running system.
 */

type Values = Output<typeof options>;
type ServerRules = Rules<Values>;

export function advise(values: Values, rules: ServerRules): void {
  adviseAmounts(values, rules);
  adviseIdentities(values, rules);
  adviseHomes(values, rules);
  advisePeers(values, rules);
  adviseLogs(values, rules);
}

/** Amounts that keep ordinary clients and small systems out. */
function adviseAmounts({ interconnection, xml }: Values, rules: ServerRules): void {
  adviseLimits(rules, 'http.limits');
  rules.least('xml.bodyBytes', ...bodyOfGroup);
  rules.least('interconnection.answerBytes', ...bodyOfGroup);
  rules.least('xml.depth', 12, '12', 'a group with rules is nested more deeply');
  rules.least('xml.elements', 1000, '1000', 'a group of some hundred members has more');
  rules.least('xml.attributes', 8, '8', 'elements of groups have more, with their namespaces');
  rules.least('xml.namespaces', 8, '8', 'groups of 3GPP use as many at their root');
  rules.least('xml.selectorSteps', 8, '8', 'paths into a group are longer');
  const slow = 'another system beyond a slow or busy network needs more';
  rules.least('interconnection.peerDeadline', 100, '100ms', slow);
  rules.least('interconnection.fetchDeadline', 100, '100ms', slow);
  rules.least('interconnection.operationDeadline', 1000, '1s', slow);
  rules.least('interconnection.policyDeadline', 50, '50ms', 'policies on a large group take longer');
  const busy = 'a peer that is down would be called without a pause';
  rules.least('interconnection.backOff.first', 100, '100ms', busy);
  rules.least('interconnection.backOff.cap', 1000, '1s', busy);
  const often = 'peers would be busy with nothing else; 0 turns it off';
  rules.least('interconnection.revalidation', 10_000, '10s', often);
  rules.least('interconnection.reconciliation.interval', 10_000, '10s', often);
  for (const part of ['xui', 'creator', 'peer', 'total'] as const) {
    rules.least(`quotas.${part}.documents`, 10, '10', 'even a small system needs more; 0 sets no bound');
    const octets = 'one document of that size would be too much; 0 sets no bound';
    rules.least(`quotas.${part}.octets`, xml.bodyBytes, 'xml.bodyBytes', octets);
  }
  rules.least('store.cacheBytes', xml.bodyBytes, 'xml.bodyBytes', 'the largest documents are never kept');
  const { answerBytes, fetchDeadline, operationDeadline, peerDeadline, policyDeadline } = interconnection;
  const warn = (name: string, message: string): void => {
    rules.warn(['interconnection', name], message, ['interconnection']);
  };
  if (answerBytes < xml.bodyBytes) {
    warn('answerBytes', 'is less than xml.bodyBytes; a group that large cannot be fetched from a peer');
  }
  if (fetchDeadline < peerDeadline) {
    warn(
      'fetchDeadline',
      'is less than interconnection.peerDeadline; clients are refused before a peer answers',
    );
  }
  if (operationDeadline < peerDeadline) {
    warn(
      'operationDeadline',
      'is less than interconnection.peerDeadline; one slow answer ends the operation',
    );
  }
  if (policyDeadline >= peerDeadline) {
    warn(
      'policyDeadline',
      'is not less than interconnection.peerDeadline; a peer of the same mind gives up first',
    );
  }
}

/** Identities that no request has, or that have no effect. */
function adviseIdentities({ identity, groups }: Values, rules: ServerRules): void {
  const roles = [
    ...rules.all('identity.administrators[]'),
    ...rules.all('mcServiceServers[].identity'),
    ...rules.all('interconnection.identity'),
    ...rules.all('peers[].identity'),
  ];
  warnOfAlikeIdentities(rules, roles);
  const creators = rules.all('groups.creators[]');
  const withRole = new Map<string | undefined, string>(
    roles.map(({ path, value }) => [value, formatPath(path)]),
  );
  for (const { path, value } of creators) {
    const role = withRole.get(value);
    if (role !== undefined) rules.warn(path, `has no effect: the role at ${role} comes first`);
  }
  for (const { path, value } of [...rules.all('identity.administrators[]'), ...creators]) {
    if (!/^sips?:[^@]*$/.test(value)) continue;
    rules.warn(path, `${show(value)} has no user part; users are named as in sip:ana@police.example`);
  }
  if (identity.administrators.length === 0 && groups.creators.length === 0) {
    const message = 'is empty, and so is groups.creators: nobody may write a group or a policy';
    rules.warn(['identity', 'administrators'], message);
  }
}

/** Identities of a domain that is not theirs. */
function adviseHomes({ system, peers, groups }: Values, rules: ServerRules): void {
  const homes = new HomeSystems(system, peers);
  const mistyped = 'is homed in no MC system that is configured here; is it mistyped?';
  const ours = [
    ...rules.all('identity.administrators[]'),
    ...rules.all('mcServiceServers[].identity'),
    ...rules.all('interconnection.identity'),
  ];
  for (const { path, value } of ours) {
    const home = homes.homeOf(value);
    if (homes.isNobodys(value)) rules.warn(path, `${show(value)} ${mistyped}`);
    else if (home !== undefined && home !== homes.own) {
      rules.warn(path, `${show(value)} is homed in the MC system ${home}; ours are of system.domains`);
    }
  }
  for (const { path, value } of rules.all('groups.creators[]')) {
    if (homes.isOwn(value)) continue;
    rules.warn(path, `${show(value)} is not homed here, so no user of this system has it`);
  }
  if (groups.creationXui !== undefined && homes.isNobodys(groups.creationXui)) {
    rules.warn(['groups', 'creationXui'], `${show(groups.creationXui)} ${mistyped}`);
  }
  for (const [index, { identity, name }] of peers.entries()) {
    const home = homes.homeOf(identity);
    const path = ['peers', index, 'identity'];
    if (homes.isNobodys(identity)) rules.warn(path, `${show(identity)} ${mistyped}`);
    else if (home !== undefined && home !== name) {
      rules.warn(path, `${show(identity)} is homed in the MC system ${home}, not in ${name}`);
    }
  }
}

/** Peers that are hardly meant as they stand, and options of theirs without an effect. */
function advisePeers({ http, interconnection, peers, system }: Values, rules: ServerRules): void {
  warnOfAlikeRoots(rules, rules.all('http.publicRoot'), rules.all('peers[].root'));
  const own = new Set(system.domains);
  const aboveOwn = new Map(
    system.domains.flatMap((domain) => ancestors(domain).map((each) => [each, domain])),
  );
  for (const [index, peer] of peers.entries()) {
    const warn = (option: string, message: string): void => {
      rules.warn(['peers', index, option], message, ['peers', index]);
    };
    const { hostname, port, protocol } = new URL(peer.root);
    const at = Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port);
    if (at === http.port && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) {
      warn('root', 'leads back to this server, which listens there');
    }
    if (!peer.provide && !peer.accept && !peer.request && !peer.answer) {
      warn('name', 'has no effect: provide, accept, request and answer are all false');
    } else if (!peer.provide && peer.groups.length > 0) {
      warn('groups', 'has no effect on provisions while provide is false');
    }
    if (!peer.accept && peer.reportModifications) {
      warn('reportModifications', 'has no effect while accept is false');
    }
    for (const [at, domain] of peer.domains.entries()) {
      const above = ancestors(domain).find((each) => own.has(each));
      const below = aboveOwn.get(domain);
      if (above === undefined && below === undefined) continue;
      const how = above === undefined ? `has our ${below} below it` : `lies below our ${above}`;
      const message = `${show(domain)} ${how}; each is a domain of its own, and only what is listed counts`;
      rules.warn(['peers', index, 'domains', at], message);
    }
  }
  if (peers.length === 0 && interconnection.identity !== undefined) {
    rules.warn(['interconnection', 'identity'], 'has no effect without peers');
  }
}

/** The domains that `domain` lies below, the nearest first. */
function ancestors(domain: string): readonly string[] {
  const labels = domain.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}

function adviseLogs({ audit, log, store }: Values, rules: ServerRules): void {
  adviseLog(rules, log);
  adviseRotation(rules, 'audit');
  if (audit.file === 'none' && audit.rotateBytes > 0) {
    rules.warn(['audit', 'rotateBytes'], 'has no effect where audit.file is none');
  }
  if (log.file === undefined || audit.file === 'none') return;
  // Both with the folder that they start at; what is absolute stands for itself.
  const audited = isAbsolute(audit.file) ? audit.file : `${store.folder}/${audit.file}`;
  const plain = (path: string): string => path.replace(/^(?:\.\/)+/, '');
  if (plain(log.file) === plain(audited)) {
    rules.warn(['log', 'file'], 'is the file of the audit log too; give each a file of its own');
  }
}
