import { digest } from '../base/digest.js';
import { TagCursor, TextElement } from './tags.js';

/**
 * Long namespace names, made short for validation. libxml2 finds the declaration of an element or attribute by
 * reading its namespace name to the end, each time: a document with one name of 60,000 characters and 16,000 elements
 * in that namespace would take seconds. No schema declares anything under so long a name, so it is only to stay
 * different from all others.
 */

/** The longest namespace name that the validator is given, in UTF-16 code units; those of schemas have a tenth. */
const longest = 1000;

/** What is kept of a name, for the message of a refusal: no more than surely makes the beginning of a URI. */
const beginning = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9:._-]{0,60}/;

/**
 * The `text`, which libxml2 has accepted, with a short name for each long one. Its names are URIs therefore, without
 * line ends and quotes: each line stays where it is.
 */
export function withShortNames(text: string): string {
  const parts: string[] = [];
  let from = 0;
  const cursor = new TagCursor(text);
  while (cursor.next()) {
    if (cursor.kind === 'end' || cursor.end - cursor.start <= longest) continue;
    for (const { uri, valueStart, valueEnd } of new TextElement(text, cursor, undefined).declarations) {
      if (uri.length <= longest) continue;
      parts.push(text.slice(from, valueStart), shortened(uri));
      from = valueEnd;
    }
  }
  return from === 0 ? text : parts.join('') + text.slice(from);
}

function shortened(uri: string): string {
  return `${beginning.exec(uri)?.[0] ?? 'urn:'}...${digest(uri)}`;
}
