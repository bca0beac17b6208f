import { BoundedCache, bytesToKeep, entryWeight } from '../base/bounded-cache.js';
import type { ETag } from '../base/identifiers.js';
import { formatHttpDate } from '../xcap/http-date.js';
import { gateText, type GatedText } from '../xml/gate.js';
import { unlimited } from '../xml/scan.js';
import { weightOfTree } from '../xml/weight.js';
import type { Form } from './state.js';

/** What is kept of a form beside its text. */
interface Rendition {
  readonly bytes: Buffer;
  /** When it changed, as a header field says it. */
  readonly lastModified: string;
  /** Undefined until it is asked for: a tree takes several times the memory of its text. */
  readonly gated: GatedText | undefined;
}

/** Bytes of memory that a rendition takes beside its bytes and its tree. */
const renditionWeight = 400;

/** The bytes and trees of forms, made where they are asked for and kept within a bound of memory. */
export class Renditions {
  readonly #kept: BoundedCache<ETag, Rendition>;

  /** @param cacheBytes bound on the memory that is spent */
  constructor(cacheBytes: number) {
    this.#kept = new BoundedCache(cacheBytes);
  }

  /** The bytes of `form`, as it was put. */
  bytesOf(form: Form): Buffer {
    return this.#of(form).bytes;
  }

  /** When `form` changed, as `Last-Modified` says it. */
  lastModifiedOf(form: Form): string {
    return this.#of(form).lastModified;
  }

  /** The text and tree of `form`. */
  treeOf(form: Form): GatedText {
    const { gated: known, ...rendition } = this.#of(form);
    if (known !== undefined) return known;
    const gated = gateText(form.body, unlimited);
    this.#set(form, { ...rendition, gated });
    return gated;
  }

  /** Keeps what `form` was made of, so that its tree need not be made again. */
  keep(form: Form, gated: GatedText): void {
    const lastModified = formatHttpDate(form.modified);
    this.#set(form, { bytes: bytesToKeep(gated.text), lastModified, gated });
  }

  forget({ etag }: Form): void {
    this.#kept.delete(etag);
  }

  #of(form: Form): Rendition {
    const known = this.#kept.get(form.etag);
    if (known !== undefined) return known;
    const lastModified = formatHttpDate(form.modified);
    const rendition = { bytes: bytesToKeep(form.body), lastModified, gated: undefined };
    this.#set(form, rendition);
    return rendition;
  }

  #set({ etag }: Form, rendition: Rendition): void {
    this.#kept.set(etag, rendition, weightOf(rendition));
  }
}

function weightOf({ bytes, gated }: Rendition): number {
  return entryWeight + renditionWeight + bytes.length + (gated === undefined ? 0 : weightOfTree(gated));
}
