import type { SystemName, Xui } from '../../src/base/identifiers.js';
import { HomeSystems } from '../../src/mc-systems/homes.js';
import { createGroupUsage, type GroupUsageSettings } from '../../src/groups/usage.js';
import type { ApplicationUsage } from '../../src/xcap/usage.js';
import { namesDeclaredIn } from '../../src/xml/schemas.js';

const mcNames = namesDeclaredIn(new URL('../../../schemas/', import.meta.url), 'mcptt-group-info.xsd');

/** The group usage of an MC system with one domain and no peers, as `settings` would have it. */
export function groupUsageOf(domain: string, settings: Partial<GroupUsageSettings> = {}): ApplicationUsage {
  const own = { name: 'own' as SystemName, domains: [domain], telPrefixes: [] };
  return createGroupUsage({
    creationXui: `sip:creation@${domain}` as Xui,
    domain,
    homes: new HomeSystems(own, []),
    mcNames,
    unknownHomes: 'refuse',
    unknownNames: 'warn',
    ...settings,
  });
}
