import { Forbidden } from '../base/refusals.js';
import type { Form } from '../documents/state.js';
import { GroupAccess } from '../groups/access.js';
import { gmopMediaType, readGroupOperation } from '../groups/gmop.js';
import { withoutMemberList } from '../groups/member-list.js';
import { groupMediaType } from '../groups/names.js';
import { createGroupUsage } from '../groups/usage.js';
import type { HomeSystems } from '../mc-systems/homes.js';
import type { WorkerSettings } from '../judgement/worker.js';
import { policyMediaType } from '../policy/language/policy.js';
import { previewMediaType, writePreview } from '../policy/preview/preview-document.js';
import type { PolicyPreviews } from '../policy/preview/preview.js';
import { checkMayUsePolicies, createPolicyUsage } from '../policy/usage.js';
import { capsName, createCapsUsage, writeCaps } from '../usages/caps.js';
import { Directories, directoryAccess } from '../usages/directories.js';
import { createDirectoryUsage } from '../usages/directory-document.js';
import { ownForm, type OfferedUsage, type OwnDocuments } from '../usages/offered-usage.js';
import { documentName } from '../xcap/request-uri.js';
import type { ApplicationUsage } from '../xcap/usage.js';
import { namesDeclaredIn, Schemas } from '../xml/schemas.js';
import type { Config } from './config.js';
import { declaredSchemas, offerDeclared } from './configured-usages.js';
import { publicRoot, type Foundation } from './foundation.js';

/** The application usages that a server offers: access, methods and operations of each. */

const readMethods: readonly string[] = ['GET', 'HEAD'];
const allMethods: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** The folder of the schemas, beside `dist` in the package. */
const schemaFolder = new URL('../../../schemas/', import.meta.url);

/** Compiles our schemas and those that the configuration names. @throws ConfigurationError */
export function openSchemas(config: Config): Schemas {
  return Schemas.open(schemaFolder, declaredSchemas(config));
}

/** Where another thread finds the schemas that `openSchemas` compiles. */
export function schemaSources(config: Config): Pick<WorkerSettings, 'schemaFolder' | 'declaredSchemas'> {
  return { schemaFolder: schemaFolder.href, declaredSchemas: declaredSchemas(config) };
}

/** Names that the schema of the MC service group namespace declares. */
export function openMcNames(): ReadonlySet<string> {
  return namesDeclaredIn(schemaFolder, 'mcptt-group-info.xsd');
}

/** The MC service group usage under `config`. */
export function groupUsage(
  { groups, system }: Config,
  homes: HomeSystems,
  mcNames = openMcNames(),
): ApplicationUsage {
  return createGroupUsage({ ...groups, domain: system.domains[0] ?? '', homes, mcNames });
}

/** The usages by AUID. */
export function offeredUsages(
  config: Config,
  foundation: Pick<
    Foundation,
    'documents' | 'readings' | 'schemas' | 'mcNames' | 'homes' | 'clock' | 'judge'
  >,
  previews: PolicyPreviews,
): ReadonlyMap<string, OfferedUsage> {
  const { documents, readings, schemas, mcNames, homes, clock, judge } = foundation;
  const offered: OfferedUsage[] = [
    {
      usage: groupUsage(config, homes, mcNames),
      methods: [...allMethods, 'POST'],
      access: new GroupAccess({
        ...config.groups,
        creators: new Set(config.groups.creators),
        clock,
        readings,
      }),
      operation: {
        mediaType: gmopMediaType,
        perform: (form, body) => {
          readGroupOperation(body, schemas, config.xml);
          return { type: groupMediaType, text: withoutMemberList(form.body, readings.of(form)) };
        },
      },
      checkList: ({ kind }) => {
        if (kind === 'administrator' || kind === 'mc-service-server') return;
        throw new Forbidden('each group document says who may read it');
      },
    },
    {
      usage: createPolicyUsage(),
      methods: [...allMethods, 'POST'],
      operation: {
        mediaType: policyMediaType,
        tryAt: async (name, body) => {
          return { type: previewMediaType, text: writePreview(await previews.preview(name, body)) };
        },
      },
      remarksAfterPut: (name, text) => previews.remarksOn(name, text),
      access: {
        checkRead: checkMayUsePolicies,
        checkReadDocument: () => undefined,
        checkWrite: checkMayUsePolicies,
      },
      checkList: checkMayUsePolicies,
    },
    ...offerDeclared(config, { documents, clock, judge }),
    {
      usage: createDirectoryUsage(),
      methods: readMethods,
      access: directoryAccess,
      own: new Directories({ documents, usages: () => offered, publicRoot: publicRoot(config), clock }),
    },
    {
      usage: createCapsUsage(),
      methods: readMethods,
      access: {
        checkRead: () => undefined,
        checkReadDocument: () => undefined,
        checkWrite: () => undefined,
      },
      own: capsDocument(() => offered),
    },
  ];
  return new Map(offered.map((entry) => [entry.usage.auid, entry]));
}

/** The document of the server capabilities (RFC 4825 clause 12), written when it is first read. */
function capsDocument(usages: () => readonly OfferedUsage[]): OwnDocuments {
  let written: Form | undefined;
  return {
    has: (place) => documentName(place) === capsName,
    form: () => (written ??= ownForm(writeCaps(usages().map(({ usage }) => usage)))),
  };
}
