import type { Auid, DocumentName, ETag, SystemName } from '../base/identifiers.js';
import type { DocumentSelector } from '../xcap/request-uri.js';
import { sharedWith, type Delivery, type DocumentState, type Form, type Received } from './state.js';

/** Index terms of a record: what can be asked for without reading every record. */
export const terms = {
  pending: (system: string): string => `pending:${system}`,
  parked: (system: string): string => `parked:${system}`,
  delivered: (system: string): string => `delivered:${system}`,
  /** Groups of which the partner MC system has acknowledged the withdrawal. */
  withdrawn: (system: string): string => `withdrawn:${system}`,
  /** What is left of documents that are gone. */
  tombstone: 'tombstone',
  receivedFrom: (system: string): string => `received-from:${system}`,
  /** What is left of documents that this MC system withdrew. */
  withdrawnBy: (system: string): string => `withdrawn-by:${system}`,
  /** Documents that a user created in a tree that several share. */
  createdBy: (user: string): string => `created-by:${user}`,
  /** Groups that the operator shares with some system by name. */
  shared: 'shared',
  usage: (auid: Auid): string => `usage:${auid}`,
  /** Documents that have a name in the global tree, or in the users tree of one XUI, of any usage. */
  tree: ({ tree, xui }: Pick<DocumentSelector, 'tree' | 'xui'>): string =>
    xui === undefined ? `tree:${tree}` : `tree:${tree}/${encodeURIComponent(xui)}`,
};

/** The kinds of terms that name an MC system, which stands after the colon. */
const systemKinds = ['pending', 'parked', 'delivered', 'withdrawn', 'received-from', 'withdrawn-by'] as const;

export type SystemKind = (typeof systemKinds)[number];

/** The kind of a term that names an MC system; undefined for other terms. */
export function systemKindOf(term: string): SystemKind | undefined {
  const colon = term.indexOf(':');
  const word = term.slice(0, Math.max(0, colon));
  return systemKinds.find((kind) => kind === word);
}

/** `term`, with the MC system replaced that it names, if it names one. */
export function mapSystem(term: string, replace: (system: string) => string): string {
  const kind = systemKindOf(term);
  if (kind === undefined) return term;
  return `${kind}:${replace(term.slice(kind.length + 1))}`;
}

/** What is known of a form without reading its body. */
export interface FormSummary {
  readonly etag: ETag;
  /** Milliseconds since the epoch. */
  readonly modified: number;
  /** Of the body, in octets. */
  readonly size: number;
}

/** The last number has what the record holds beside the form, in octets, where that is a received document. */
const summaryTerm = /^form:(\S+) (\d+) (\d+)(?: (\d+))?$/;

function summaryOf({ etag, modified, body }: Form, received: Received | null): string {
  const beside = received === null ? '' : ` ${octetsBeside(received)}`;
  return `form:${etag} ${modified} ${Buffer.byteLength(body, 'utf8')}${beside}`;
}

/** The octets of a received document, and of what policies report of it. */
function octetsBeside({ body, modifications }: Received): number {
  const report = modifications.length === 0 ? 0 : Buffer.byteLength(JSON.stringify(modifications), 'utf8');
  return Buffer.byteLength(body, 'utf8') + report;
}

/** The octets that a record's document takes, the received one with it; undefined where there is none. */
export function readOctets(recorded: readonly string[]): number | undefined {
  const found = readOf(recorded, 'form:');
  const [, , , size, beside] = found === undefined ? [] : (summaryTerm.exec(`form:${found}`) ?? []);
  if (size === undefined) return undefined;
  if (beside !== undefined) return Number(size) + Number(beside);
  // Earlier versions did not write down what was received: it is about as long as what became of it.
  return readSource(recorded) === undefined ? Number(size) : 2 * Number(size);
}

/** What follows `prefix` in the first term that begins with it. */
function readOf(recorded: readonly string[], prefix: string): string | undefined {
  return recorded.find((term) => term.startsWith(prefix))?.slice(prefix.length);
}

/** The summary of the form that clients read, among a record's index terms. */
export function readSummary(recorded: readonly string[]): FormSummary | undefined {
  const found = recorded.map((term) => summaryTerm.exec(term)).find((match) => match !== null);
  if (found === undefined) return undefined;
  const [, etag = '', modified, size] = found;
  return { etag: etag as ETag, modified: Number(modified), size: Number(size) };
}

/** The MC system that a document was received from, among its record's index terms. */
export function readSource(recorded: readonly string[]): SystemName | undefined {
  return readOf(recorded, terms.receivedFrom('')) as SystemName | undefined;
}

/** The MC system that withdrew a document that is gone, among its record's index terms. */
export function readWithdrawnBy(recorded: readonly string[]): SystemName | undefined {
  return readOf(recorded, terms.withdrawnBy('')) as SystemName | undefined;
}

/** The user who created a document in a tree that several share, among its record's index terms. */
export function readCreator(recorded: readonly string[]): string | undefined {
  return readOf(recorded, terms.createdBy(''));
}

/** What a record owes one partner MC system, as its index terms tell. */
export interface Owed {
  readonly system: SystemName;
  readonly status: Delivery['status'];
}

const owedTerm = /^(pending|parked|delivered|withdrawn):(.*)$/s;

/** What is owed, among a record's index terms. */
export function readOwed(recorded: readonly string[]): readonly Owed[] {
  return recorded.flatMap((term) => {
    const [, status, system] = owedTerm.exec(term) ?? [];
    if (status === undefined || system === undefined) return [];
    return [{ system: system as SystemName, status: status as Delivery['status'] }];
  });
}

/** The index term of the tree that `name` stands in. */
function treeOfName(name: DocumentName): string {
  const [, tree = '', xui = ''] = name.split('/');
  return tree === 'users' ? `tree:${tree}/${xui}` : `tree:${tree}`;
}

/** The index terms of a record with this state, whose document has these names. */
export function termsOf(state: DocumentState, names: readonly DocumentName[]): readonly string[] {
  const deliveries = Object.entries(state.deliveries).map(([system, { status }]) => terms[status](system));
  const received = state.received === null ? [] : [terms.receivedFrom(state.received.system)];
  const shared = sharedWith(state).length === 0 ? [] : [terms.shared];
  const withdrawnBy = state.tombstone?.system ?? undefined;
  const gone = state.tombstone === undefined ? [] : [terms.tombstone];
  const withdrawn = withdrawnBy === undefined ? [] : [terms.withdrawnBy(withdrawnBy)];
  const created = state.creator === undefined ? [] : [terms.createdBy(state.creator)];
  const kept = [...deliveries, ...received, ...shared, ...gone, ...withdrawn, ...created];
  const { current } = state;
  const trees = new Set(names.map(treeOfName));
  const present = current === null ? [] : [summaryOf(current, state.received), ...trees];
  return [terms.usage(state.auid), ...kept, ...present];
}
