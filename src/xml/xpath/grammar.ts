import { invalid, type Token, tokenise, type TokenKind, XPathInvalid } from './tokens.js';

/**
 * A reading of XPath 1.0 expressions that checks them and says what they will give, without running
 * them (clauses 2 and 3 of the recommendation).
 *
 * Subtle: this stands before the XPath engine and is not only there for good messages. The engine
 * recurses on a small stack that it does not guard: a few hundred nested calls or a few thousand
 * operators end it for the life of the process, even when the expression is only compiled. The bounds
 * here and on the tokens are far below those figures. It also resolves late what is known early (an unbound prefix, an
 * unknown function), and only where the evaluation happens to pass.
 */

/** The type of a value (clause 1). */
export type XPathType = 'node-set' | 'string' | 'number' | 'boolean';

/** A name test at the end of a location path; other ends of a path are left out. */
export interface XPathTarget {
  readonly axis: string;
  readonly prefix: string;
  readonly local: string;
}

/** Where the nodes of one location path stand, as far as the path says so outright. */
export interface XPathEnd {
  /** The name test that the nodes must have passed. */
  readonly target: XPathTarget | undefined;
  /** The name test of the element that has the attributes, where they are attributes. */
  readonly owner: XPathTarget | undefined;
  /** The name tests of elements that the nodes stand in, at whatever depth, the outermost first. */
  readonly within: readonly XPathTarget[];
}

/** What an expression will give. */
export interface XPathOutline {
  readonly type: XPathType;
  /** Every prefix that a name test uses. */
  readonly prefixes: ReadonlySet<string>;
  /** Every element name without a prefix: in XPath 1.0 a name in no namespace, whatever is declared. */
  readonly unprefixed: ReadonlySet<string>;
  /** The name tests that the nodes of the result must have passed, where the expression says so outright. */
  readonly targets: readonly XPathTarget[];
  /** Where the nodes of the result stand: one for each path that the expression joins with `|`. */
  readonly ends: readonly XPathEnd[];
  /** The expressions that the whole one joins with `|`; itself where it joins none. */
  readonly branches: readonly string[];
}

/** In UTF-16 code units. */
const maximumLength = 2000;

const maximumDepth = 32;

/** Any character that XML 1.0 does not allow (clause 2.2). */
const forbiddenCharacter = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

// The namespace axis is left out: its nodes stand nowhere in the text, and the engine frees them early.
const axes: ReadonlySet<string> = new Set([
  'ancestor',
  'ancestor-or-self',
  'attribute',
  'child',
  'descendant',
  'descendant-or-self',
  'following',
  'following-sibling',
  'parent',
  'preceding',
  'preceding-sibling',
  'self',
]);

interface Signature {
  readonly least: number;
  readonly most: number;
  readonly gives: XPathType;
  /** Whether the argument must be a node-set, the one type that nothing converts to. */
  readonly nodes?: boolean;
}

const coreFunctions: ReadonlyMap<string, Signature> = new Map([
  ['last', { least: 0, most: 0, gives: 'number' }],
  ['position', { least: 0, most: 0, gives: 'number' }],
  ['count', { least: 1, most: 1, gives: 'number', nodes: true }],
  ['id', { least: 1, most: 1, gives: 'node-set' }],
  ['local-name', { least: 0, most: 1, gives: 'string', nodes: true }],
  ['namespace-uri', { least: 0, most: 1, gives: 'string', nodes: true }],
  ['name', { least: 0, most: 1, gives: 'string', nodes: true }],
  ['string', { least: 0, most: 1, gives: 'string' }],
  ['concat', { least: 2, most: Number.POSITIVE_INFINITY, gives: 'string' }],
  ['starts-with', { least: 2, most: 2, gives: 'boolean' }],
  ['contains', { least: 2, most: 2, gives: 'boolean' }],
  ['substring-before', { least: 2, most: 2, gives: 'string' }],
  ['substring-after', { least: 2, most: 2, gives: 'string' }],
  ['substring', { least: 2, most: 3, gives: 'string' }],
  ['string-length', { least: 0, most: 1, gives: 'number' }],
  ['normalize-space', { least: 0, most: 1, gives: 'string' }],
  ['translate', { least: 3, most: 3, gives: 'string' }],
  ['boolean', { least: 1, most: 1, gives: 'boolean' }],
  ['not', { least: 1, most: 1, gives: 'boolean' }],
  ['true', { least: 0, most: 0, gives: 'boolean' }],
  ['false', { least: 0, most: 0, gives: 'boolean' }],
  ['lang', { least: 1, most: 1, gives: 'boolean' }],
  ['number', { least: 0, most: 1, gives: 'number' }],
  ['sum', { least: 1, most: 1, gives: 'number', nodes: true }],
  ['floor', { least: 1, most: 1, gives: 'number' }],
  ['ceiling', { least: 1, most: 1, gives: 'number' }],
  ['round', { least: 1, most: 1, gives: 'number' }],
] as const);

/** Operators of one level of precedence, loosest first, and what they give (clauses 3.3 to 3.5). */
const levels: readonly { readonly operators: ReadonlySet<string>; readonly gives: XPathType }[] = [
  { operators: new Set(['or']), gives: 'boolean' },
  { operators: new Set(['and']), gives: 'boolean' },
  { operators: new Set(['=', '!=']), gives: 'boolean' },
  { operators: new Set(['<', '<=', '>', '>=']), gives: 'boolean' },
  { operators: new Set(['+', '-']), gives: 'number' },
  { operators: new Set(['*', 'div', 'mod']), gives: 'number' },
];

interface Found {
  readonly type: XPathType;
  readonly targets: readonly XPathTarget[];
  readonly ends: readonly XPathEnd[];
}

/** A step of a location path; `.` and `..` are steps along the axes that they stand for. */
interface Step {
  readonly axis: string;
  readonly target: XPathTarget | undefined;
}

const anywhere: XPathEnd = { target: undefined, owner: undefined, within: [] };

/** Where the nodes stand that `step` finds from those at `end`. @param deep whether `//` leads to the step */
function endAfter(end: XPathEnd, { axis, target }: Step, deep: boolean): XPathEnd {
  const { within } = end;
  switch (axis) {
    case 'self':
      if (deep) return { target, owner: undefined, within };
      return target === undefined ? end : { ...end, target };
    case 'child':
    case 'descendant':
    case 'attribute':
      return {
        target,
        owner: axis === 'attribute' && !deep ? end.target : undefined,
        within: end.target === undefined ? within : [...within, end.target],
      };
    case 'descendant-or-self':
    case 'following-sibling':
    case 'preceding-sibling':
      return { target, owner: undefined, within };
    default:
      return { target, owner: undefined, within: [] };
  }
}

class Reader {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  readonly #prefixes = new Set<string>();
  readonly #unprefixed = new Set<string>();
  #next = 0;
  #depth = 0;
  #predicateDepth = 0;
  /** Offsets of the `|` between the branches that begin with the first token, and the token behind them. */
  #joints: readonly number[] = [];
  #joined = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenise(source);
  }

  run(): XPathOutline {
    const { type, targets, ends } = this.#expression();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw invalid(rest.at, `${rest.text} is too much`);
    return {
      type,
      targets,
      ends,
      prefixes: this.#prefixes,
      unprefixed: this.#unprefixed,
      branches: this.#branches(),
    };
  }

  #branches(): readonly string[] {
    const joints = this.#joined === this.#tokens.length ? this.#joints : [];
    const starts = [0, ...joints.map((joint) => joint + 1)];
    return starts.map((start, index) => this.#source.slice(start, joints[index]));
  }

  #peek(...texts: readonly string[]): boolean {
    const token = this.#tokens[this.#next];
    return (
      token !== undefined &&
      (token.kind === 'operator' || token.kind === 'symbol') &&
      texts.includes(token.text)
    );
  }

  #take(...texts: readonly string[]): boolean {
    const taken = this.#peek(...texts);
    if (taken) this.#next += 1;
    return taken;
  }

  #takeKind(kind: TokenKind): Token | undefined {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind) return undefined;
    this.#next += 1;
    return token;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`${text} is due`);
  }

  #unexpected(due: string): XPathInvalid {
    const token = this.#tokens[this.#next];
    if (token === undefined) return invalid(this.#source.length, `${due}, and the expression ends`);
    return invalid(token.at, `${due}, not ${token.text}`);
  }

  #expression(): Found {
    this.#depth += 1;
    if (this.#depth > maximumDepth) {
      throw new XPathInvalid(`the expression is nested more than ${maximumDepth} deep`);
    }
    const found = this.#level(0);
    this.#depth -= 1;
    return found;
  }

  #level(index: number): Found {
    const level = levels[index];
    if (level === undefined) return this.#unary();
    let found = this.#level(index + 1);
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token?.kind !== 'operator' || !level.operators.has(token.text)) return found;
      this.#next += 1;
      this.#level(index + 1);
      found = { type: level.gives, targets: [], ends: [] };
    }
  }

  #unary(): Found {
    let signs = 0;
    while (this.#take('-')) signs += 1;
    const found = this.#union();
    return signs > 0 ? { type: 'number', targets: [], ends: [] } : found;
  }

  #union(): Found {
    const from = this.#next;
    const first = this.#path();
    if (!this.#peek('|')) return first;
    const branches = [first];
    const joints: number[] = [];
    while (this.#peek('|')) {
      joints.push(this.#tokens[this.#next]?.at ?? 0);
      this.#next += 1;
      branches.push(this.#path());
    }
    if (from === 0) [this.#joints, this.#joined] = [joints, this.#next];
    if (branches.some(({ type }) => type !== 'node-set')) {
      throw this.#unexpected('| joins node-sets only');
    }
    const named = branches.every(({ targets }) => targets.length > 0);
    return {
      type: 'node-set',
      targets: named ? branches.flatMap(({ targets }) => targets) : [],
      ends: branches.flatMap(({ ends }) => ends),
    };
  }

  #path(): Found {
    const primary = this.#primary();
    if (primary === undefined) return this.#locationPath();
    const filtered = this.#peek('[');
    if ((filtered || this.#peek('/', '//')) && primary.type !== 'node-set') {
      throw this.#unexpected(`only a node-set can be filtered or walked, this is a ${primary.type}`);
    }
    this.#predicates();
    const deep = this.#peek('//');
    return this.#take('/', '//') ? this.#relativePath(primary.ends, deep) : primary;
  }

  #primary(): Found | undefined {
    if (this.#take('(')) {
      const found = this.#expression();
      this.#expect(')');
      return found;
    }
    if (this.#takeKind('literal') !== undefined) return { type: 'string', targets: [], ends: [] };
    if (this.#takeKind('number') !== undefined) return { type: 'number', targets: [], ends: [] };
    const called = this.#takeKind('function');
    return called === undefined ? undefined : { type: this.#call(called), targets: [], ends: [anywhere] };
  }

  #call(called: Token): XPathType {
    const signature = coreFunctions.get(called.text);
    if (signature === undefined) throw invalid(called.at, `there is no function ${called.text}()`);
    if (this.#predicateDepth === 0 && (called.text === 'position' || called.text === 'last')) {
      throw invalid(called.at, `${called.text}() has a meaning in a predicate only`);
    }
    this.#expect('(');
    let count = 0;
    if (!this.#peek(')')) {
      do {
        const { type } = this.#expression();
        if (signature.nodes === true && type !== 'node-set') {
          throw invalid(called.at, `${called.text}() takes a node-set, not a ${type}`);
        }
        count += 1;
      } while (this.#take(','));
    }
    this.#expect(')');
    if (count < signature.least || count > signature.most) {
      throw invalid(called.at, `${called.text}() does not take ${count} arguments`);
    }
    return signature.gives;
  }

  #locationPath(): Found {
    if (this.#take('//')) return this.#relativePath([anywhere], true);
    if (this.#take('/') && !this.#startsStep()) {
      return { type: 'node-set', targets: [], ends: [anywhere] };
    }
    return this.#relativePath([anywhere], false);
  }

  #startsStep(): boolean {
    const kind = this.#tokens[this.#next]?.kind;
    return kind === 'name-test' || kind === 'node-type' || kind === 'axis' || this.#peek('.', '..', '@');
  }

  /** @param deep whether `//` leads to the first step */
  #relativePath(from: readonly XPathEnd[], deep: boolean): Found {
    let ends = from;
    let isDeep = deep;
    for (;;) {
      const step = this.#step();
      ends = ends.map((end) => endAfter(end, step, isDeep));
      isDeep = this.#peek('//');
      if (this.#take('/', '//')) continue;
      return { type: 'node-set', targets: step.target === undefined ? [] : [step.target], ends };
    }
  }

  #step(): Step {
    if (this.#take('.')) return { axis: 'self', target: undefined };
    if (this.#take('..')) return { axis: 'parent', target: undefined };
    const axis = this.#axis();
    const target = this.#nodeTest(axis);
    this.#predicates();
    return { axis, target };
  }

  #axis(): string {
    if (this.#take('@')) return 'attribute';
    const axis = this.#takeKind('axis');
    if (axis === undefined) return 'child';
    if (!axes.has(axis.text)) throw invalid(axis.at, `the axis ${axis.text} is not available`);
    this.#expect('::');
    return axis.text;
  }

  #nodeTest(axis: string): XPathTarget | undefined {
    const test = this.#takeKind('name-test');
    if (test !== undefined) {
      const colon = test.text.indexOf(':');
      const prefix = test.text.slice(0, Math.max(colon, 0));
      const local = test.text.slice(colon + 1);
      if (prefix !== '') this.#prefixes.add(prefix);
      else if (local !== '*' && axis !== 'attribute') this.#unprefixed.add(local);
      return local === '*' ? undefined : { axis, prefix, local };
    }
    const nodeType = this.#takeKind('node-type');
    if (nodeType === undefined) throw this.#unexpected('an expression is due');
    this.#expect('(');
    if (nodeType.text === 'processing-instruction') this.#takeKind('literal');
    this.#expect(')');
    return undefined;
  }

  #predicates(): void {
    while (this.#take('[')) {
      this.#predicateDepth += 1;
      this.#expression();
      this.#predicateDepth -= 1;
      this.#expect(']');
    }
  }
}

/** What the XPath 1.0 expression `source` is. @throws XPathInvalid */
export function readXPath(source: string): XPathOutline {
  if (source.length > maximumLength) {
    throw new XPathInvalid(`the expression is longer than ${maximumLength} characters`);
  }
  const forbidden = source.search(forbiddenCharacter);
  if (forbidden >= 0) throw invalid(forbidden, 'the character is not allowed in XML');
  return new Reader(source).run();
}
