import type { Clock } from '../base/clock.js';
import type { Documents } from '../documents/documents.js';
import type { Judge } from '../documents/judgement.js';
import { Collection } from '../usages/collections.js';
import { createDeclaredUsage, type ElementName, type UsageDeclaration } from '../usages/declared-usage.js';
import type { OfferedUsage } from '../usages/offered-usage.js';
import { RoleAccess, type RoleLists } from '../usages/role-access.js';
import { shippedDeclarations } from '../usages/shipped-usages.js';
import type { ApplicationUsage } from '../xcap/usage.js';
import type { DeclaredSchema, SchemaName } from '../xml/schemas.js';
import type { Config, DeclaredUsageConfig } from './config.js';
import { memoryParts } from './memory.js';

/** Application usages as data (design D14): those that ship, and those of the configuration. */

/** Roles in the usages that ship: lists belong to their owners (RFC 4826 clauses 3.4 and 4.4). */
const shippedRoles: RoleLists = {
  read: ['owner', 'administrators'],
  write: ['owner', 'administrators'],
  readGlobal: ['administrators', 'mc-service-servers'],
  writeGlobal: ['administrators'],
};

function schemaName({ auid }: DeclaredUsageConfig): SchemaName {
  return `declared:${auid}`;
}

/** `local` or `{namespace}local`. */
function elementName(text: string, defaultNamespace: string): ElementName {
  const end = text.indexOf('}');
  return end < 0
    ? { namespace: defaultNamespace, local: text }
    : { namespace: text.slice(1, end), local: text.slice(end + 1) };
}

function declarationOf(config: DeclaredUsageConfig): UsageDeclaration {
  const { defaultNamespace, root, unique, values } = config;
  const named = <T extends { readonly element: string }>(
    rule: T,
  ): Omit<T, 'element'> & { element: ElementName } => ({
    ...rule,
    element: elementName(rule.element, defaultNamespace),
  });
  return {
    ...config,
    schema: config.schema === undefined ? undefined : schemaName(config),
    root: root === undefined ? undefined : elementName(root, defaultNamespace),
    unique: unique.map(named),
    values: values.map((rule) => ({ attribute: undefined, ...named(rule) })),
    collected: undefined,
  };
}

/** The schema files that the configuration names. */
export function declaredSchemas({ usages }: Config): readonly DeclaredSchema[] {
  return usages.declared.flatMap((usage, index) => {
    const { schema: file } = usage;
    return file === undefined
      ? []
      : [{ name: schemaName(usage), file, option: `usages.declared[${index}].schema` }];
  });
}

const allMethods: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];

function offer(usage: ApplicationUsage, roles: RoleLists, own?: Collection): OfferedUsage {
  const access = new RoleAccess(roles);
  return {
    usage,
    access,
    methods: allMethods,
    checkList: (principal, place) => {
      access.checkRead(principal, place);
    },
    ...(own && { own }),
  };
}

/** What collections are made with. */
interface CollectionTools {
  readonly documents: Documents;
  readonly clock: Pick<Clock, 'turn'>;
  readonly judge: Pick<Judge, 'collected'>;
}

/** The declared usages as this server offers them. */
export function offerDeclared(
  { usages, store }: Config,
  { documents, ...tools }: CollectionTools,
): readonly OfferedUsage[] {
  const collections = usages.shipped.filter((name) => shippedDeclarations[name].collected !== undefined);
  const each = memoryParts(store.cacheBytes).collections / Math.max(1, collections.length);
  const shipped = usages.shipped.map((name) => {
    const declaration = shippedDeclarations[name];
    const usage = createDeclaredUsage(declaration);
    const own =
      declaration.collected && new Collection(declaration, documents, { ...tools, rules: usage }, each);
    return offer(usage, shippedRoles, own);
  });
  return [
    ...shipped,
    ...usages.declared.map((config) => offer(createDeclaredUsage(declarationOf(config)), config)),
  ];
}

/** What declares the usages that are offered. */
export function declarations({ usages }: Config): readonly UsageDeclaration[] {
  const shipped = usages.shipped.map((name) => shippedDeclarations[name]);
  return [...shipped, ...usages.declared.map(declarationOf)];
}
