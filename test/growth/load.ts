/**
 * What the growth test sends. A dimension makes a load of some size; an entrance takes the parts of a load that a
 * sender controls there. Every dimension of a carrier is tried at every entrance that takes the carrier.
 */

/** What carries a dimension to an entrance. */
export type Carrier =
  /** An XML text: the body of a request or an answer, or what is stored where a request reads. */
  | 'document'
  /** The body of a PUT of an attribute. */
  | 'value'
  /** An XPath expression in a policy. */
  | 'expression'
  /** The header fields of a request. */
  | 'fields'
  /** The header fields of a peer's answer. */
  | 'answer'
  | 'selector'
  | 'query'
  /** The last segments of a path, in place of a name. */
  | 'path'
  | 'json'
  | 'yaml'
  /** How many documents there are. */
  | 'documents';

/** What is sent, or stood there before. What is left out is what the entrance has itself. */
export interface Load {
  readonly body?: string;
  readonly fields?: Readonly<Record<string, string | string[]>>;
  readonly selector?: string;
  readonly query?: string;
  readonly path?: string;
  readonly documents?: number;
}

/** How documents of one kind are written, so that dimensions can be put into them. */
export interface Vocabulary {
  /** All before the elements that repeat. @param declarations namespaces and attributes of the document element */
  readonly open: (declarations: string) => string;
  readonly close: string;
  /** An element that may stand there as often as one likes; each with a value of its own. */
  readonly entry: (index: number, attributes?: string, content?: string) => string;
  /** An element that the schema refuses, where there is one. */
  readonly wrong: string;
}

export type Make = (size: number, vocabulary: Vocabulary) => Load;

/** `piece` as often as it fits into `size` characters. */
export function filled(size: number, piece: string): string {
  return piece.repeat(Math.max(1, Math.floor(size / piece.length)));
}

/** Pieces until `size` characters are full. */
export function pieces(size: number, piece: (index: number) => string): string {
  const written: string[] = [];
  for (let length = 0, index = 0; ; index += 1) {
    const next = piece(index);
    length += next.length;
    if (length > size && index > 0) return written.join('');
    written.push(next);
  }
}
