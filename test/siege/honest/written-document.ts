import { readPatiently, type HonestClient } from './requests.js';

/** A document that one client writes under conditions, and what was acknowledged of it. */

interface Held {
  readonly text: string;
  readonly etag: string | undefined;
}

export class WrittenDocument {
  readonly path: string;
  readonly #as: string;
  readonly #type: string;
  readonly #make: (number: number) => string;
  #number = 0;
  #acknowledged: Held | undefined;
  /** Texts since the last acknowledged one that may have been stored: nobody heard. */
  #uncertain: string[] = [];

  /** @param make the text of the document, which differs from number to number */
  constructor(place: { path: string; as: string; type: string }, make: (number: number) => string) {
    this.path = place.path;
    this.#as = place.as;
    this.#type = place.type;
    this.#make = make;
  }

  /** What was acknowledged last; undefined where another text may be there as well. */
  get certain(): string | undefined {
    return this.#uncertain.length === 0 ? this.#acknowledged?.text : undefined;
  }

  /** Writes the next text under If-Match. @returns whether it is acknowledged */
  async write(client: HonestClient, what: string): Promise<boolean> {
    if (this.#uncertain.length > 0 && !(await this.#readBack(client, what))) return false;
    const text = this.#make((this.#number += 1));
    const before = this.#acknowledged;
    const condition: Readonly<Record<string, string>> =
      before?.etag === undefined ? { 'If-None-Match': '*' } : { 'If-Match': before.etag };
    this.#uncertain.push(text);
    const request = { method: 'PUT', path: this.path, as: this.#as, type: this.#type };
    const { answer, attempts } = await client.ask(
      what,
      { ...request, headers: condition, body: text },
      (got, attempt) => {
        if (got.status === 200 || got.status === 201) return undefined;
        // An attempt whose answer was lost may have been stored: then the condition of the next one fails.
        return got.status === 412 && attempt > 1 ? undefined : `status ${got.status}`;
      },
    );
    if (answer?.status === 200 || answer?.status === 201) {
      this.#acknowledged = { text, etag: answer.headers.etag };
      this.#uncertain = [];
      return true;
    }
    if (answer?.status === 412 && attempts > 1) return await this.#readBack(client, what);
    // A refusal stores nothing.
    if (answer !== undefined && answer.status < 500 && attempts === 1) this.#uncertain = [];
    return false;
  }

  /** Says what is wrong with what the server holds now; undefined for nothing. */
  async check(port: number): Promise<string | undefined> {
    if (this.#acknowledged === undefined) return undefined;
    const answer = await readPatiently(port, { method: 'GET', path: this.path, as: this.#as });
    if (answer === undefined) return `${this.path}: no answer`;
    const { status, text, headers } = answer;
    if (status !== 200) return `${this.path}: ${status}, but a write was acknowledged`;
    if (text === this.#acknowledged.text) {
      return headers.etag === this.#acknowledged.etag ? undefined : `${this.path}: another entity tag`;
    }
    return this.#uncertain.includes(text) ? undefined : `${this.path}: an acknowledged write is lost`;
  }

  /** Finds out which text is there. */
  async #readBack(client: HonestClient, what: string): Promise<boolean> {
    const asked = { method: 'GET', path: this.path, as: this.#as };
    const { answer } = await client.ask(`${what}, read back`, asked, ({ status, text }) => {
      if (status === 404 && this.#acknowledged === undefined) return undefined;
      if (status !== 200) return `status ${status}`;
      const isOurs = text === this.#acknowledged?.text || this.#uncertain.includes(text);
      return isOurs ? undefined : 'neither what was acknowledged nor what was sent since';
    });
    if (answer?.status === 404) {
      if (this.#acknowledged === undefined) this.#uncertain = [];
      return this.#acknowledged === undefined;
    }
    if (answer?.status !== 200) return false;
    this.#acknowledged = { text: answer.text, etag: answer.headers.etag };
    this.#uncertain = [];
    return true;
  }
}
