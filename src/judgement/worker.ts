import { workerData } from 'node:worker_threads';
import { standBack } from '../base/side-threads.js';
import type { Draft } from '../documents/judgement.js';
import { JudgeHere } from '../documents/judgement.js';
import { createGroupDocumentRules, type GroupDocumentSettings } from '../groups/document-rules.js';
import { createPolicyUsage } from '../policy/usage.js';
import { createDeclaredRules, type UsageDeclaration } from '../usages/declared-usage.js';
import type { ClaimedValue, DocumentFacts, DocumentRules } from '../xcap/usage.js';
import type { ScanLimits } from '../xml/scan.js';
import { Schemas, type DeclaredSchema } from '../xml/schemas.js';
import { toData, type RefusalData } from './refusal-data.js';

/**
 * The worker thread in which large documents are judged: it compiles the schemas once, and then knows the rules of
 * every usage. It holds nothing of what is stored.
 */

/** What a worker is started with. Plain data. */
export interface WorkerSettings {
  /** The folder of the schemas, a URL. */
  readonly schemaFolder: string;
  readonly declaredSchemas: readonly DeclaredSchema[];
  readonly limits: ScanLimits;
  readonly groups: GroupDocumentSettings;
  readonly declarations: readonly UsageDeclaration[];
}

export type Task =
  | { readonly kind: 'judge'; readonly auid: string; readonly draft: Draft }
  | {
      readonly kind: 'claimed';
      readonly auid: string;
      readonly text: string;
      readonly taken: readonly string[];
    }
  | { readonly kind: 'collected'; readonly auid: string; readonly text: string };

/** What each kind of task comes to. Plain data. */
export interface Results {
  readonly judge: {
    readonly text: string;
    readonly created: boolean;
    readonly facts: DocumentFacts;
  };
  readonly claimed: readonly ClaimedValue[];
  readonly collected: readonly string[];
}

export type Outcome<K extends Task['kind']> =
  { readonly result: Results[K] } | { readonly refusal: RefusalData };

/** The pool hands its own data over first. */
const [, settings] = workerData as readonly [unknown, WorkerSettings];

const here = new JudgeHere({
  schemas: Schemas.open(new URL(settings.schemaFolder), settings.declaredSchemas),
  limits: settings.limits,
});

const allRules: ReadonlyMap<string, DocumentRules> = new Map(
  [
    createGroupDocumentRules(settings.groups),
    createPolicyUsage(),
    ...settings.declarations.map(createDeclaredRules),
  ].map((each) => [each.auid, each]),
);

function rulesOf(auid: string): DocumentRules {
  const found = allRules.get(auid);
  if (found === undefined) throw new TypeError(`no rules are known of ${auid}`);
  return found;
}

standBack();

/** Does one task. */
export function perform(task: Task): Outcome<Task['kind']> {
  try {
    return { result: resultOf(task) };
  } catch (error) {
    const refusal = toData(error);
    if (refusal === undefined) throw error;
    return { refusal };
  }
}

function resultOf(task: Task): Results[Task['kind']] {
  const rules = rulesOf(task.auid);
  switch (task.kind) {
    case 'judge': {
      const { text, created, facts } = here.judge(rules, task.draft);
      return { text, created, facts };
    }
    case 'claimed':
      return here.claimed(rules, task, task.taken);
    case 'collected':
      return here.collected(rules, task.text);
  }
}
