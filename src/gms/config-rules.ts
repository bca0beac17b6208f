import { HomeSystems } from '../mc-systems/homes.js';
import type { Auid, SystemName } from '../base/identifiers.js';
import { isLoopback } from '../config/kinds/addresses.js';
import { identity } from '../config/kinds/identities.js';
import type { Output } from '../config/rows.js';
import type { Rules } from '../config/rules.js';
import { relateLimits } from '../config/shared-sections.js';
import { show } from '../config/words.js';
import { groupsAuid } from '../groups/names.js';
import { serviceAuthorisationsPath } from '../http/service-authorisations.js';
import { policyAuid } from '../policy/usage.js';
import { capsAuid } from '../usages/caps.js';
import { directoryAuid } from '../usages/directory-document.js';
import type { options } from './options.js';

/** The rules between the options of the server. */

type ServerRules = Rules<Output<typeof options>>;

/** Application usages with code of their own; the configuration cannot declare them. */
const ownAuids: readonly Auid[] = [groupsAuid, policyAuid, capsAuid, directoryAuid];

export function relate(rules: ServerRules): void {
  const system = 'every MC system needs a name of its own';
  rules.distinct('the name', system, 'system.name', 'peers[].name');
  const homed = 'is homed in one MC system and listed once';
  rules.distinct('the domain', `a domain ${homed}`, 'system.domains[]', 'peers[].domains[]');
  rules.distinct('the prefix', `a prefix ${homed}`, 'system.telPrefixes[]', 'peers[].telPrefixes[]');
  rules.distinct(
    'the identity',
    'an identity has one role and is listed once',
    'identity.administrators[]',
    'mcServiceServers[].identity',
    'interconnection.identity',
    'peers[].identity',
  );
  const root = 'every MC system needs an XCAP root of its own';
  rules.distinct('the XCAP root', root, 'http.publicRoot', 'peers[].root');
  relateUsages(rules);
  relatePaths(rules);
  relateLimits(rules, 'http.limits');
  rules.ordered(
    'interconnection.backOff.first',
    'interconnection.backOff.cap',
    true,
    'the cap is the longest pause',
  );
  relateHost(rules);
  relateShares(rules);
  const { peers, interconnection } = rules.values;
  if (
    peers.length > 0 &&
    interconnection.identity === undefined &&
    !rules.isWrong('interconnection.identity')
  ) {
    rules.fault(
      ['interconnection', 'identity'],
      `is missing; where there are peers it must be ${identity.right}`,
      ['peers'],
    );
  }
}

function relateUsages(rules: ServerRules): void {
  const once = 'every application usage is offered once';
  rules.distinct('the AUID', once, 'usages.shipped[]');
  rules.distinct('the AUID', once, 'usages.declared[].auid');
  const shipped: readonly string[] = rules.isWrong('usages.shipped')
    ? []
    : rules.all('usages.shipped[]').map(({ value }) => value);
  for (const { path, value } of rules.all('usages.declared[].auid')) {
    if (ownAuids.includes(value)) {
      rules.fault(path, `${show(value)} is an application usage of the server itself`);
    } else if (shipped.includes(value)) {
      const right = 'leave it out of usages.shipped to declare another';
      rules.fault(path, `${show(value)} comes with the server; ${right}`);
    }
  }
}

/** That no path of the server lies within another. */
function relatePaths(rules: ServerRules): void {
  const { root, operations } = rules.values.http;
  const apart = 'must not lie within each other';
  const told = serviceAuthorisationsPath;
  if (root !== undefined && areNested(root, told)) {
    const what = `${show(told)}, where service authorisations are told,`;
    rules.fault(['http', 'root'], `${show(root)} and ${what} ${apart}`);
  }
  if (operations === undefined) return;
  const taken = [root, told].find((other) => other !== undefined && areNested(operations, other));
  if (taken === undefined) return;
  rules.fault(['http', 'operations'], `${show(operations)} and ${show(taken)} ${apart}`, ['http', 'root']);
}

/** Whether one of two paths is the other or lies below it. */
function areNested(path: string, other: string): boolean {
  return `${path}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${path}/`);
}

/** That a server which identifies nobody is heard on this machine only. */
function relateHost(rules: ServerRules): void {
  const { http, identity: identities } = rules.values;
  if (http.host === undefined || identities.mode !== 'development' || isLoopback(http.host)) return;
  rules.fault(
    ['http', 'host'],
    `${show(http.host)} is not a loopback address; identity.mode development identifies nobody and may listen on 127.0.0.1, ::1 or localhost only`,
  );
}

/** That the groups which are shared by name are homed here. */
function relateShares(rules: ServerRules): void {
  if (
    rules.values.system.domains.length === 0 ||
    rules.isWrong('system.domains') ||
    rules.isWrong('system.telPrefixes')
  )
    return;
  const valuesOf = (found: readonly { readonly value: string }[]): string[] =>
    found.map(({ value }) => value);
  const own = valuesOf(rules.all('system.domains[]'));
  const ownPrefixes = valuesOf(rules.all('system.telPrefixes[]'));
  const [ownDomains, prefixesKnown] = [new Set(own), new Set(ownPrefixes)];
  // What is homed in two systems is told already.
  const homes = new HomeSystems({ name: 'own' as SystemName, domains: own, telPrefixes: ownPrefixes }, [
    {
      name: 'others' as SystemName,
      domains: valuesOf(rules.all('peers[].domains[]')).filter((domain) => !ownDomains.has(domain)),
      telPrefixes: valuesOf(rules.all('peers[].telPrefixes[]')).filter(
        (prefix) => !prefixesKnown.has(prefix),
      ),
    },
  ]);
  for (const { path, value } of rules.all('peers[].groups[]')) {
    if (homes.isOwn(value)) continue;
    rules.fault(path, `the group ${show(value)} is not homed here; only groups of our own can be shared`);
  }
}
