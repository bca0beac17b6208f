import { expandReferences, foldLineEnds } from './characters.js';
import type { LocatedElement } from './tree.js';

/**
 * The character data of `element` itself, children left out: references expanded, CDATA sections
 * opened, comments and processing instructions dropped. `text` is the text that the tree was made of.
 */
export function textContent(text: string, element: LocatedElement): string {
  let content = '';
  let from = element.contentStart;
  for (const child of element.children) {
    content += characterData(text.slice(from, child.start));
    from = child.end;
  }
  return content + characterData(text.slice(from, element.contentEnd));
}

function characterData(slice: string): string {
  if (!slice.includes('<')) return expandReferences(foldLineEnds(slice)) ?? '';
  let data = '';
  let from = 0;
  for (let at = slice.indexOf('<'); at >= 0; at = slice.indexOf('<', from)) {
    data += expandReferences(foldLineEnds(slice.slice(from, at))) ?? '';
    if (slice.startsWith('<![CDATA[', at)) {
      const end = slice.indexOf(']]>', at);
      data += foldLineEnds(slice.slice(at + 9, end));
      from = end + 3;
    } else {
      const close = slice.startsWith('<!--', at) ? '-->' : '?>';
      from = slice.indexOf(close, at + 2) + close.length;
    }
  }
  return data + (expandReferences(foldLineEnds(slice.slice(from))) ?? '');
}
