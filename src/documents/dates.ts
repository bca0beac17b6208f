import type { DocumentName } from '../base/identifiers.js';
import { otherUntil } from '../xcap/preconditions.js';
import type { Form } from './state.js';

/** What dates do not tell apart: states of one document within a second (RFC 9110 clause 8.8.2.2). */

/**
 * `form` with the time of the latest former state that has its date.
 *
 * @param former the form that it replaces
 * @param gone when the document was removed that had its place
 */
export function dated<T extends Form>(form: T, former: Form | undefined, gone: number | undefined): T {
  if (former?.etag === form.etag) {
    return former.otherUntil === undefined ? form : { ...form, otherUntil: former.otherUntil };
  }
  const times = [former?.modified, former?.otherUntil, gone].filter((time) => time !== undefined);
  const other = times.length === 0 ? undefined : otherUntil(form.modified, Math.max(...times));
  return other === undefined ? form : { ...form, otherUntil: other };
}

/**
 * When documents were removed of which nothing is left, for as long as a new one can have the same date. It is
 * forgotten at an end of the process, which takes longer than the second that it is for.
 */
export class Removals {
  #second = 0;
  readonly #times = new Map<DocumentName, number>();

  add(key: DocumentName, time: number): void {
    const second = Math.floor(time / 1000);
    if (second !== this.#second) this.#times.clear();
    this.#second = second;
    this.#times.set(key, time);
  }

  timeOf(key: DocumentName): number | undefined {
    return this.#times.get(key);
  }
}
