import { InsufficientStorage } from '../../base/refusals.js';

/**
 * What a node may be selected in (design D21). A document that clients put is bounded when it is put. One that the
 * server writes out of many others is larger than any of them, and to locate its nodes takes many times its octets.
 */

/** As many elements as a document of a client has at most by default. */
const mostElements = 50_000;
const mostCharacters = 8 * 1024 * 1024;

const slash = '/'.charCodeAt(0);
const exclamation = '!'.charCodeAt(0);

/** @throws InsufficientStorage where `text`, which the server wrote, is too large for parts of it to be selected */
export function checkSelectable(text: string): void {
  if (text.length > mostCharacters) throw tooLarge();
  let elements = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const next = text.charCodeAt(at + 1);
    if (next === slash || next === exclamation) continue;
    elements += 1;
    // The XML declaration counts for one.
    if (elements > mostElements + 1) throw tooLarge();
  }
}

function tooLarge(): InsufficientStorage {
  return new InsufficientStorage(
    'the document is too large for parts of it to be selected: read it as a whole',
  );
}
