import { BoundedCache, entryWeight, weightOfText } from '../base/bounded-cache.js';
import type { Clock } from '../base/clock.js';
import type { DocumentName, ETag } from '../base/identifiers.js';
import { SingleFlight } from '../base/single-flight.js';
import { allOf } from '../base/soon.js';
import type { Documents } from '../documents/documents.js';
import { terms } from '../documents/index-terms.js';
import type { Judge } from '../documents/judgement.js';
import type { Form } from '../documents/state.js';
import type { DocumentRules } from '../xcap/usage.js';
import { documentName, type DocumentSelector } from '../xcap/request-uri.js';
import { writeCollected } from './collected-document.js';
import { indexName, type UsageDeclaration } from './declared-usage.js';
import type { OwnDocuments } from './offered-usage.js';
import { formIn, ownOutcome, type OwnOutcome } from './own-writer.js';

/** How often the document is written anew while commits keep coming. */
const attempts = 5;

interface Tools {
  readonly clock: Pick<Clock, 'turn'>;
  readonly judge: Pick<Judge, 'collected'>;
  readonly rules: DocumentRules;
}

/**
 * The `global/index` of a usage that collects (RFC 4826 clause 4.4). A request writes it anew if something was
 * committed since. Documents that did not change are not read again, as long as their elements are still in
 * memory. Requests that come together share one attempt, and an index that is too large is found so once.
 */
export class Collection implements OwnDocuments {
  readonly #declaration: UsageDeclaration;
  readonly #documents: Documents;
  readonly #collected: BoundedCache<ETag, readonly string[]>;
  readonly #tools: Tools;
  readonly #flights = new SingleFlight<OwnOutcome>();
  #latest: { readonly generation: number; readonly outcome: OwnOutcome } | undefined;

  /** @param cacheBytes bound on the memory that is spent on what was collected */
  constructor(declaration: UsageDeclaration, documents: Documents, tools: Tools, cacheBytes: number) {
    this.#declaration = declaration;
    this.#documents = documents;
    this.#tools = tools;
    this.#collected = new BoundedCache(cacheBytes);
  }

  has(place: DocumentSelector): boolean {
    const { auid, collected } = this.#declaration;
    return collected !== undefined && documentName(place) === indexName(auid);
  }

  /** @throws InsufficientStorage where the index would be larger than such a document may be */
  async form(): Promise<Form> {
    return formIn(this.#known() ?? (await this.#flights.run('', () => this.#write())));
  }

  #known(): OwnOutcome | undefined {
    return this.#latest?.generation === this.#documents.generation ? this.#latest.outcome : undefined;
  }

  async #write(): Promise<OwnOutcome> {
    const { auid, collected } = this.#declaration;
    if (collected === undefined) throw new TypeError(`${auid} collects nothing`);
    for (let attempt = 1; ; attempt += 1) {
      const { generation } = this.#documents;
      const outcome = await ownOutcome(writeCollected(collected.root, this.#elements()), {
        clock: this.#tools.clock,
      });
      // A commit meanwhile may have moved an element from one document to another.
      if (generation !== this.#documents.generation && attempt < attempts) continue;
      this.#latest = { generation, outcome };
      return outcome;
    }
  }

  async *#elements(): AsyncIterable<string> {
    const { auid } = this.#declaration;
    const summaries = await allOf(this.#documents.summariesOf(terms.usage(auid)));
    summaries.sort((one, other) => (one.key < other.key ? -1 : 1));
    for (const { key, etag, names } of summaries) {
      if (!names.some((name) => name.startsWith(`${encodeURIComponent(auid)}/users/`))) continue;
      yield* this.#collected.get(etag) ?? (await this.#read(key));
    }
  }

  async #read(key: DocumentName): Promise<readonly string[]> {
    const documents = this.#documents;
    const form = (await documents.get(key))?.form;
    if (form === undefined) return [];
    const { judge, rules } = this.#tools;
    const sender = { by: `the index of ${rules.auid}` };
    const elements = await judge.collected(rules, form.body, sender, () => documents.treeOf(form));
    this.#collected.set(form.etag, elements, weightOf(form, elements));
    return elements;
  }
}

/** Bytes of memory that collected elements take: what is cut out of a text keeps all of it. */
function weightOf({ etag, body }: Form, elements: readonly string[]): number {
  let weight = entryWeight + weightOfText(body) + 2 * etag.length;
  for (const { length } of elements) weight += 2 * length + partWeight;
  return weight;
}

/** Bytes of memory that each of them takes beside its characters. */
const partWeight = 100;
