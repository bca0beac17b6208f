import { BoundedCache, entryWeight, weightOfText } from '../base/bounded-cache.js';
import type { Clock } from '../base/clock.js';
import type { DocumentName, ETag } from '../base/identifiers.js';
import { SingleFlight } from '../base/single-flight.js';
import type { Documents } from '../documents/documents.js';
import { terms } from '../documents/index-terms.js';
import type { Form } from '../documents/state.js';
import { documentName, type DocumentSelector } from '../xcap/request-uri.js';
import { collect, mostCollected, writeCollected } from './collected-document.js';
import { indexName, type UsageDeclaration } from './declared-usage.js';
import type { OwnDocuments } from './offered-usage.js';
import { formIn, ownOutcome, type OwnOutcome } from './own-writer.js';

/** How often the document is written anew while commits keep coming. */
const attempts = 5;

/**
 * The `global/index` of a usage that collects (RFC 4826 clause 4.4). A request writes it anew if something was
 * committed since. Documents that did not change are not read again, as long as their elements are still in
 * memory. Requests that come together share one attempt, and an index that is too large is found so once.
 */
export class Collection implements OwnDocuments {
  readonly #declaration: UsageDeclaration;
  readonly #documents: Documents;
  readonly #collected: BoundedCache<ETag, readonly string[]>;
  readonly #clock: Pick<Clock, 'turn'>;
  readonly #flights = new SingleFlight<OwnOutcome>();
  #latest: { readonly generation: number; readonly outcome: OwnOutcome } | undefined;

  /** @param cacheBytes the most characters of documents that are kept */
  constructor(
    declaration: UsageDeclaration,
    documents: Documents,
    clock: Pick<Clock, 'turn'>,
    cacheBytes: number,
  ) {
    this.#declaration = declaration;
    this.#documents = documents;
    this.#clock = clock;
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
        clock: this.#clock,
      });
      // A commit meanwhile may have moved an element from one document to another.
      if (generation !== this.#documents.generation && attempt < attempts) continue;
      this.#latest = { generation, outcome };
      return outcome;
    }
  }

  async *#elements(): AsyncIterable<string> {
    const { auid } = this.#declaration;
    const summaries = [...this.#documents.summariesOf(terms.usage(auid))];
    summaries.sort((one, other) => (one.key < other.key ? -1 : 1));
    for (const { key, etag, names } of summaries) {
      if (!names.some((name) => name.startsWith(`${encodeURIComponent(auid)}/users/`))) continue;
      yield* this.#collected.get(etag) ?? this.#read(key);
    }
  }

  async *#read(key: DocumentName): AsyncIterable<string> {
    const { collected } = this.#declaration;
    const form = (await this.#documents.get(key))?.form;
    if (form === undefined || collected === undefined) return;
    const document = this.#documents.treeOf(form);
    const most = mostCollected(document);
    const elements: string[] = [];
    let weight = form.etag.length;
    for (const element of collect(document, collected.element)) {
      weight += element.length;
      // A document from before there was a bound is written as it comes, and not kept.
      if (weight <= most) elements.push(element);
      yield element;
    }
    if (weight <= most) this.#collected.set(form.etag, elements, weightOf(form, weight, elements.length));
  }
}

/** Bytes of memory that collected elements take: what is cut out of a text keeps all of it. */
function weightOf({ body }: Form, characters: number, count: number): number {
  return entryWeight + weightOfText(body) + 2 * characters + partWeight * count;
}

/** Bytes of memory that each of them takes beside its characters. */
const partWeight = 100;
