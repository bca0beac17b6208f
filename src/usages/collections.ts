import { BoundedCache } from '../base/bounded-cache.js';
import type { DocumentName, ETag } from '../base/identifiers.js';
import type { Documents } from '../documents/documents.js';
import { terms } from '../documents/index-terms.js';
import type { Form } from '../documents/state.js';
import { documentName, type DocumentSelector } from '../xcap/request-uri.js';
import { collect, writeCollected } from './collected-document.js';
import { indexName, type UsageDeclaration } from './declared-usage.js';
import { ownForm, type OwnDocuments } from './offered-usage.js';

/** How often the document is written anew while commits keep coming. */
const attempts = 5;

/**
 * The `global/index` of a usage that collects (RFC 4826 clause 4.4). A request writes it anew if something was
 * committed since. Documents that did not change are not read again, as long as their elements are still in
 * memory.
 */
export class Collection implements OwnDocuments {
  readonly #declaration: UsageDeclaration;
  readonly #documents: Documents;
  readonly #collected: BoundedCache<ETag, readonly string[]>;
  #latest: { readonly generation: number; readonly form: Form } | undefined;

  /** @param cacheBytes the most characters of documents that are kept */
  constructor(declaration: UsageDeclaration, documents: Documents, cacheBytes: number) {
    this.#declaration = declaration;
    this.#documents = documents;
    this.#collected = new BoundedCache(cacheBytes);
  }

  has(place: DocumentSelector): boolean {
    const { auid, collected } = this.#declaration;
    return collected !== undefined && documentName(place) === indexName(auid);
  }

  async form(): Promise<Form> {
    const { auid, collected } = this.#declaration;
    if (collected === undefined) throw new TypeError(`${auid} collects nothing`);
    for (let attempt = 1; ; attempt += 1) {
      const { generation } = this.#documents;
      if (this.#latest?.generation === generation) return this.#latest.form;
      const form = ownForm(writeCollected(collected.root, await this.#elements()));
      // A commit meanwhile may have moved an element from one document to another.
      if (generation !== this.#documents.generation && attempt < attempts) continue;
      this.#latest = { generation, form };
      return form;
    }
  }

  async #elements(): Promise<readonly string[]> {
    const { auid } = this.#declaration;
    const summaries = [...this.#documents.summariesOf(terms.usage(auid))];
    summaries.sort((one, other) => (one.key < other.key ? -1 : 1));
    const elements: string[] = [];
    for (const { key, etag, names } of summaries) {
      if (!names.some((name) => name.startsWith(`${encodeURIComponent(auid)}/users/`))) continue;
      const known = this.#collected.get(etag);
      if (known !== undefined) elements.push(...known);
      else for (const element of await this.#read(key)) elements.push(element);
    }
    return elements;
  }

  async #read(key: DocumentName): Promise<readonly string[]> {
    const { collected } = this.#declaration;
    const form = (await this.#documents.get(key))?.form;
    if (form === undefined || collected === undefined) return [];
    const elements = collect(this.#documents.treeOf(form), collected.element);
    const weight = elements.reduce((sum, element) => sum + element.length, form.etag.length);
    this.#collected.set(form.etag, elements, weight);
    return elements;
  }
}
