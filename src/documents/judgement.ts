import type { NodeSelector } from '../xcap/node-selector.js';
import { deleteNode, putAttribute, putElement } from '../xcap/edit.js';
import type { ClaimedValue, DocumentFacts, DocumentRules } from '../xcap/usage.js';
import { gateText, type GatedText } from '../xml/gate.js';
import { unlimited, type ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';
import { admit, judge } from './validate.js';

/**
 * Judging what a document would become: gate, node edit, schema and constraints, in this order. All of it follows
 * from texts, settings and nothing else, so that it can be done in any thread. Who asks for it knows an interface
 * that may take a while: a large document must hold nobody up (design D21). What
 * it is given back is plain data.
 */

/** What a document is to be made of. Plain data. */
export type Draft =
  /** The whole document. */
  | { readonly kind: 'document'; readonly bytes: Uint8Array }
  /** The document `text`, with `body` as its `node` (RFC 4825 clauses 8.2.1 to 8.2.3). */
  | { readonly kind: 'put'; readonly text: string; readonly node: NodeSelector; readonly body: Uint8Array }
  /** The document `text` without its `node` (clause 8.4). */
  | { readonly kind: 'delete'; readonly text: string; readonly node: NodeSelector };

/** A document that may stand as it is. */
export interface Judged {
  readonly text: string;
  /** Whether the node of the draft was not there before; true for a whole document. */
  readonly created: boolean;
  readonly facts: DocumentFacts;
  /** Its tree, where it was judged in this thread. */
  readonly gated?: GatedText;
}

/** For whom a document is judged. */
export interface Sender {
  /** Who has a turn. */
  readonly by: string;
  /** Tells when nobody waits for the answer any more. */
  readonly gone?: (() => AbortSignal) | undefined;
}

/** Judges documents, here or elsewhere. */
export interface Judge {
  /**
   * @param treeOf gives the tree of the draft's `text`, where that is kept
   * @throws XcapConflict; MissingParent, NotFound for a node; ServiceUnavailable
   */
  judge(
    rules: DocumentRules,
    draft: Draft,
    sender: Sender,
    treeOf?: () => GatedText,
  ): Judged | Promise<Judged>;

  /** The first of those claims of a judged document that are among `taken`. @throws ServiceUnavailable */
  claimed(
    rules: DocumentRules,
    judged: Pick<Judged, 'text' | 'gated'>,
    taken: readonly string[],
    sender: Sender,
  ): readonly ClaimedValue[] | Promise<readonly ClaimedValue[]>;

  /**
   * The elements of a judged document that the server collects.
   *
   * @param treeOf gives the tree of `text`, where that is kept
   * @throws ServiceUnavailable
   */
  collected(
    rules: DocumentRules,
    text: string,
    sender: Sender,
    treeOf?: () => GatedText,
  ): readonly string[] | Promise<readonly string[]>;
}

export interface JudgeTools {
  readonly schemas: Schemas;
  readonly limits: ScanLimits;
}

/** Judges in this thread, at once. */
export class JudgeHere implements Judge {
  readonly #tools: JudgeTools;

  constructor(tools: JudgeTools) {
    this.#tools = tools;
  }

  judge(
    rules: DocumentRules,
    draft: Draft,
    _sender?: Sender,
    treeOf?: () => GatedText,
  ): Judged & { readonly gated: GatedText } {
    const { gated, created } = this.#made(rules, draft, treeOf);
    judge(rules, gated, this.#tools.schemas);
    return { text: gated.text, created, facts: rules.factsOf(gated), gated };
  }

  claimed(
    rules: DocumentRules,
    { text, gated = gateText(text, unlimited) }: Pick<Judged, 'text' | 'gated'>,
    taken: readonly string[],
  ): readonly ClaimedValue[] {
    return rules.claimed(gated, new Set(taken));
  }

  collected(
    rules: DocumentRules,
    text: string,
    _sender?: Sender,
    treeOf?: () => GatedText,
  ): readonly string[] {
    return rules.collected(treeOf?.() ?? gateText(text, unlimited));
  }

  #made(
    { schema }: DocumentRules,
    draft: Draft,
    treeOf?: () => GatedText,
  ): { readonly gated: GatedText; readonly created: boolean } {
    const { limits, schemas } = this.#tools;
    if (draft.kind === 'document') return { gated: admit(draft.bytes, limits), created: true };
    const document = treeOf?.() ?? gateText(draft.text, unlimited);
    const { node } = draft;
    if (draft.kind === 'delete') return { gated: deleteNode(document, node, limits), created: false };
    return node.terminal === undefined
      ? putElement(document, node.steps, draft.body, limits, schemas.lastPlaceIn(schema))
      : putAttribute(document, node, draft.body, limits);
  }
}

/** The characters or octets that the time of judging `draft` grows with. */
export function sizeOf(draft: Draft): number {
  switch (draft.kind) {
    case 'document':
      return draft.bytes.length;
    case 'put':
      return draft.text.length + draft.body.length;
    case 'delete':
      return draft.text.length;
  }
}
