import { BadRequest } from '../base/refusals.js';
import { attributeValue } from '../xml/characters.js';
import { ns, parseQName } from '../xml/names.js';

/**
 * Node selectors (RFC 4825 clause 6.3): a grammar of this server's own, walked over located trees. Nothing that
 * a client writes is ever given to an XPath engine (design D13).
 */

/** An expanded name; `undefined` where the selector says `*`. */
export interface NameTest {
  readonly namespace: string;
  readonly local: string;
}

/** One step: by name, by position, by attribute, or by position and attribute. */
export interface SelectorStep {
  readonly name: NameTest | undefined;
  /** Counts from 1; 0 and positions beyond the last match nothing. */
  readonly position: number | undefined;
  readonly attribute: (NameTest & { readonly value: string }) | undefined;
  /** The text of the selector up to the end of this step. */
  readonly upTo: string;
}

/** What a selector ends in, where it is not an element. */
export type Terminal =
  { readonly kind: 'attribute'; readonly name: NameTest } | { readonly kind: 'namespaces' };

export interface NodeSelector {
  readonly steps: readonly SelectorStep[];
  readonly terminal: Terminal | undefined;
}

export type NamespaceBindings = ReadonlyMap<string, string>;

/** Reads one selector left to right. */
class SelectorReader {
  readonly #text: string;
  readonly #bindings: NamespaceBindings;
  readonly #defaultNamespace: string;
  #at = 0;

  constructor(text: string, bindings: NamespaceBindings, defaultNamespace: string) {
    this.#text = text;
    this.#bindings = bindings;
    this.#defaultNamespace = defaultNamespace;
  }

  read(maxSteps: number): NodeSelector {
    const steps: SelectorStep[] = [];
    let terminal: Terminal | undefined;
    do {
      terminal = steps.length > 0 ? this.#terminal() : undefined;
      if (terminal === undefined) steps.push(this.#step());
      if (steps.length > maxSteps) throw new BadRequest(`a node selector has at most ${maxSteps} steps`);
    } while (terminal === undefined && this.#take('/'));
    if (this.#at < this.#text.length) throw this.#malformed();
    return { steps, terminal };
  }

  #malformed(): BadRequest {
    const isBehindSlash = this.#at === 0 || this.#text.charAt(this.#at - 1) === '/';
    const isEmptyStep = isBehindSlash && ['', '/'].includes(this.#text.charAt(this.#at));
    const why = isEmptyStep ? ': an empty step, two slashes or one at its end' : '';
    return new BadRequest(`the node selector is malformed at character ${this.#at + 1}${why}`);
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #terminal(): Terminal | undefined {
    if (this.#take('namespace::*')) return { kind: 'namespaces' };
    if (this.#take('@')) return { kind: 'attribute', name: this.#name('') };
    return undefined;
  }

  #step(): SelectorStep {
    const name = this.#take('*') ? undefined : this.#name(this.#defaultNamespace);
    let position: number | undefined;
    if (/\[[0-9]/.test(this.#text.slice(this.#at, this.#at + 2))) {
      this.#take('[');
      position = this.#position();
    }
    const attribute = this.#take('[@') ? this.#predicate() : undefined;
    return { name, position, attribute, upTo: this.#text.slice(0, this.#at) };
  }

  #position(): number {
    const end = this.#text.indexOf(']', this.#at);
    const digits = this.#text.slice(this.#at, end < 0 ? undefined : end);
    if (end < 0 || !/^[0-9]+$/.test(digits)) throw this.#malformed();
    this.#at = end + 1;
    return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
  }

  #predicate(): NameTest & { readonly value: string } {
    const name = this.#name('');
    if (!this.#take('=')) throw this.#malformed();
    const quote = this.#text.charAt(this.#at);
    const end = quote === '"' || quote === "'" ? this.#text.indexOf(quote, this.#at + 1) : -1;
    if (end < 0) throw this.#malformed();
    const value = attributeValue(this.#text.slice(this.#at + 1, end));
    if (value === undefined) throw this.#malformed();
    this.#at = end + 1;
    if (!this.#take(']')) throw this.#malformed();
    return { ...name, value };
  }

  /** Reads a qualified name; un-prefixed names are in `unprefixed` (clause 6.4). */
  #name(unprefixed: string): NameTest {
    const end = /[/[\]=@*"']|$/.exec(this.#text.slice(this.#at))?.index ?? 0;
    const qname = parseQName(this.#text.slice(this.#at, this.#at + end));
    if (qname === undefined) throw this.#malformed();
    this.#at += end;
    if (qname.prefix === '') return { namespace: unprefixed, local: qname.local };
    const namespace = qname.prefix === 'xml' ? ns.xml : this.#bindings.get(qname.prefix);
    if (namespace === undefined) {
      throw new BadRequest(`prefix ${qname.prefix} is not bound: add ?xmlns(${qname.prefix}=…) to the URI`);
    }
    return { namespace, local: qname.local };
  }
}

/**
 * The selector that `text` (percent-decoded) spells.
 *
 * @param bindings prefixes bound by the query component, the only place they come from (clause 6.4)
 * @param defaultNamespace the application usage's default document namespace
 * @throws BadRequest where the text is outside the grammar or a prefix is not bound
 */
export function parseNodeSelector(
  text: string,
  bindings: NamespaceBindings,
  defaultNamespace: string,
  maxSteps: number,
): NodeSelector {
  return new SelectorReader(text, bindings, defaultNamespace).read(maxSteps);
}

/**
 * The bindings of a query component (percent-decoded): `xmlns(prefix=uri)`, repeated (clause 6.4, after
 * the XPointer xmlns() scheme, in which `^` escapes a parenthesis or itself).
 *
 * @throws BadRequest where the query is anything else, or binds one prefix to two namespaces
 */
export function parseNamespaceBindings(query: string): NamespaceBindings {
  const bindings = new Map<string, string>();
  // White space before the name of a namespace is trimmed below: matched here, it could be split in two
  // ways between one part of the pattern and the next, and a long run of it would take quadratic time.
  const part = /\s*xmlns\(\s*([^\s=()]+)\s*=((?:[^()^]|\^[()^])*)\)/y;
  const end = query.trimEnd().length;
  while (part.lastIndex < end) {
    const [, prefix, uri] = part.exec(query) ?? [];
    const qname = prefix === undefined ? undefined : parseQName(prefix);
    if (prefix === undefined || uri === undefined || qname?.prefix !== '' || prefix === 'xmlns') {
      throw new BadRequest('the query component is not a list of xmlns(prefix=uri)');
    }
    const name = uri.replace(/\^([()^])/g, '$1').trim();
    if ((bindings.get(prefix) ?? name) !== name) throw new BadRequest(`prefix ${prefix} has two bindings`);
    bindings.set(prefix, name);
  }
  return bindings;
}

/** `bindings` as a query component, percent-encoded, with the escapes of xmlns(). */
export function formatNamespaceBindings(bindings: NamespaceBindings): string {
  return [...bindings]
    .map(([prefix, uri]) => {
      const escaped = uri.replace(/[()^]/g, '^$&');
      return `xmlns(${encodeURIComponent(prefix)}=${encodeURIComponent(escaped)})`;
    })
    .join('');
}
