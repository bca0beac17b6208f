import type { Auid, Claim, DocumentName } from '../base/identifiers.js';
import { InsufficientStorage, NotFound } from '../base/refusals.js';
import { canonicalUri, isIdentityUri } from '../base/uri.js';
import { textContent } from '../xml/content.js';
import type { GatedText } from '../xml/gate.js';
import type { SchemaName } from '../xml/schemas.js';
import { attribute, elementsOf, type LocatedElement } from '../xml/tree.js';
import {
  ConstraintFailure,
  SchemaValidationError,
  UniquenessFailure,
  type TakenValue,
} from '../xcap/conflicts.js';
import { documentName, isFolder, type DocumentSelector } from '../xcap/request-uri.js';
import {
  claimOf,
  type ApplicationUsage,
  type ClaimedValue,
  type DocumentFacts,
  type DocumentRules,
  type IsTaken,
  type Placement,
} from '../xcap/usage.js';
import { collect, mostCollected } from './collected-document.js';
import { findFreeValuesNear, freeValuesNear } from './free-values.js';

/**
 * Application usages as data (design D14): a declaration holds what RFC 4825 clause 5 requires of a usage. The
 * usages that ship with the server and those of the configuration are declared alike.
 *
 * Subtle: that a value is unique among all documents cannot be checked by looking, because another
 * document may be on its way. Each such value is a claim beside the document's names, and the store,
 * where a name belongs to one record at most, decides in the commit.
 */

/** An expanded element name. */
export interface ElementName {
  readonly namespace: string;
  readonly local: string;
}

/** Where a value must be unique: below one parent, in one document, or on this server. */
export const uniqueWithin = ['parent', 'document', 'server'] as const;

/** How values are compared: character by character, or as URIs in canonical form. */
export const comparisons = ['text', 'uri'] as const;

/** An attribute, without namespace, that must be unique among the elements of one name. */
export interface UniqueRule {
  readonly element: ElementName;
  readonly attribute: string;
  readonly within: (typeof uniqueWithin)[number];
  readonly compare: (typeof comparisons)[number];
  /** Whether a refusal offers free values: not where a value names a person or thing outside the document. */
  readonly alternatives: boolean;
}

/** Forms that a value may need, in the words of the refusal. */
const forms = {
  /** With a scheme. */
  uri: 'a URI with a scheme',
  'http-uri': 'an absolute HTTP URI',
  'relative-path': 'a relative path reference, from the XCAP root on and percent-encoded',
} as const;

export const valueForms = Object.keys(forms) as readonly (keyof typeof forms)[];

/** An attribute without namespace, or the text of an element, that must have a form. */
export interface ValueRule {
  readonly element: ElementName;
  /** Undefined for the element's text. */
  readonly attribute: string | undefined;
  readonly form: keyof typeof forms;
}

export interface UsageDeclaration {
  readonly auid: Auid;
  /** Namespace of un-prefixed element names in node selectors (RFC 4825 clause 5.2). */
  readonly defaultNamespace: string;
  readonly mediaType: string;
  readonly schema: SchemaName | undefined;
  /** The document element, where not every element that the schema declares is right. */
  readonly root: ElementName | undefined;
  /** Namespaces that xcap-caps lists besides the default namespace. */
  readonly namespaces: readonly string[];
  /** The trees in which documents may be put. */
  readonly trees: readonly DocumentSelector['tree'][];
  readonly unique: readonly UniqueRule[];
  readonly values: readonly ValueRule[];
  /**
   * Where given, `global/index` is written by the server: the document `root`, with every `element` that
   * stands below the document element of a document in a users tree (RFC 4826 clause 4.4).
   */
  readonly collected: { readonly root: ElementName; readonly element: ElementName } | undefined;
}

/** How many taken values one refusal names. */
const mostTaken = 10;

// RFC 3986 clause 4.2: no scheme, no authority, no slash in front; a query may bind prefixes.
const pchar = `(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})`;
const relativePath = new RegExp(`^${pchar}+(?:/(?:${pchar}|:)*)*(?:\\?(?:${pchar}|[:/?])*)?$`);

function hasForm(value: string, form: ValueRule['form']): boolean {
  switch (form) {
    case 'uri':
      return isIdentityUri(value);
    case 'http-uri':
      return /^https?:\/\/[^/?#]+/i.test(value) && isIdentityUri(value);
    case 'relative-path':
      return relativePath.test(value);
  }
}

function isNamed(element: LocatedElement, { namespace, local }: ElementName): boolean {
  return element.local === local && element.namespace === namespace;
}

function keyOf({ namespace, local }: ElementName): string {
  return `{${namespace}}${local}`;
}

/** A node selector of `element` as a relative URI that needs no bindings (RFC 4825 clause 11.1). */
function selectorOf(element: LocatedElement, defaultNamespace: string): string {
  const steps: string[] = [];
  for (let at: LocatedElement | undefined = element; at !== undefined; at = at.parent) {
    const siblings = at.parent?.children ?? [at];
    const { local, namespace } = at;
    const alike = siblings.filter((sibling) => isNamed(sibling, { local, namespace }));
    if (namespace !== defaultNamespace) steps.unshift(`*%5B${siblings.indexOf(at) + 1}%5D`);
    else if (alike.length > 1) steps.unshift(`${encodeURIComponent(local)}%5B${alike.indexOf(at) + 1}%5D`);
    else steps.unshift(encodeURIComponent(local));
  }
  return steps.join('/');
}

class DeclaredRules implements DocumentRules {
  readonly auid: Auid;
  readonly schema: SchemaName | undefined;
  readonly #declaration: UsageDeclaration;
  readonly #unique = new Map<string, UniqueRule[]>();
  readonly #values = new Map<string, ValueRule[]>();

  constructor(declaration: UsageDeclaration) {
    const { auid, schema, unique, values } = declaration;
    this.auid = auid;
    this.schema = schema;
    this.#declaration = declaration;
    for (const rule of unique) {
      this.#unique.set(keyOf(rule.element), [...(this.#unique.get(keyOf(rule.element)) ?? []), rule]);
    }
    for (const rule of values) {
      this.#values.set(keyOf(rule.element), [...(this.#values.get(keyOf(rule.element)) ?? []), rule]);
    }
  }

  check(document: GatedText): void {
    this.#checkRoot(document.tree);
    this.#checkValues(document);
    const taken = this.#repeated(document.tree);
    if (taken.length > 0) throw new UniquenessFailure('a value stands twice that must be unique', taken);
    this.#checkCollected(document);
  }

  factsOf({ tree }: GatedText): DocumentFacts {
    const claims = [...this.#claims(tree)].map(({ claim }) => claim);
    return { identity: undefined, claims, remarks: [] };
  }

  claimed({ tree }: GatedText, taken: ReadonlySet<string>): readonly ClaimedValue[] {
    const found: ClaimedValue[] = [];
    for (const { element, rule, value, claim } of this.#claims(tree)) {
      if (!taken.has(claim)) continue;
      const index = this.#declaration.unique.indexOf(rule);
      found.push({ claim, field: this.#fieldOf(element, rule), value, rule: index });
      if (found.length === mostTaken) break;
    }
    return found;
  }

  collected(document: GatedText): readonly string[] {
    const elements = this.#withinBound(document);
    if (elements !== undefined) return elements;
    // A document that `check` let pass is within it.
    throw new InsufficientStorage('the elements of a document are too large to be collected');
  }

  /** The elements that are collected; undefined where they take more than they may. */
  #withinBound(document: GatedText): readonly string[] | undefined {
    const { collected } = this.#declaration;
    const elements: string[] = [];
    if (collected === undefined) return elements;
    let left = mostCollected(document);
    for (const element of collect(document, collected.element)) {
      left -= element.length;
      if (left < 0) return undefined;
      elements.push(element);
    }
    return elements;
  }

  /** What is derived of a document is bounded like the document itself (design D21). */
  #checkCollected(document: GatedText): void {
    const { collected } = this.#declaration;
    if (collected === undefined || this.#withinBound(document) !== undefined) return;
    const { local } = collected.element;
    throw new ConstraintFailure(
      `with the namespaces that they use, the ${local} elements take more than ${mostCollected(document)} characters in the index: ` +
        'declare long namespaces where they are used',
    );
  }

  #checkRoot(tree: LocatedElement): void {
    const { root, schema } = this.#declaration;
    if (root === undefined || isNamed(tree, root)) return;
    const phrase = `the document element must be ${keyOf(root)}`;
    throw schema === undefined ? new ConstraintFailure(phrase) : new SchemaValidationError(phrase);
  }

  #checkValues({ text, tree }: GatedText): void {
    if (this.#values.size === 0) return;
    for (const element of elementsOf(tree)) {
      for (const rule of this.#values.get(keyOf(element)) ?? []) {
        const value =
          rule.attribute === undefined ? textContent(text, element) : attribute(element, rule.attribute);
        if (value === undefined || hasForm(value.trim(), rule.form)) continue;
        const name = rule.attribute === undefined ? element.local : `${element.local}/@${rule.attribute}`;
        throw new ConstraintFailure(`${name} must be ${forms[rule.form]}`);
      }
    }
  }

  /** The values of the document that are repeated although they must be unique. */
  #repeated(tree: LocatedElement): readonly TakenValue[] {
    const seen = new Map<UniqueRule, Map<LocatedElement, Set<string>>>();
    const repeated: { element: LocatedElement; rule: UniqueRule; value: string; among: Set<string> }[] = [];
    for (const { element, rule, value, compared } of this.#ruled(tree)) {
      const scope = rule.within === 'parent' ? (element.parent ?? tree) : tree;
      const scopes = seen.get(rule) ?? new Map<LocatedElement, Set<string>>();
      const among = scopes.get(scope) ?? new Set<string>();
      seen.set(rule, scopes.set(scope, among));
      if (among.has(compared) && repeated.length < mostTaken) repeated.push({ element, rule, value, among });
      among.add(compared);
    }
    // Only now are all values known, so that no alternative is one of them.
    return repeated.map(({ element, rule, value, among }) => {
      const isFree = (candidate: string): boolean => !among.has(compare(rule, candidate));
      const alternatives = rule.alternatives ? freeValuesNear(value, rule.compare, isFree) : [];
      return { field: this.#fieldOf(element, rule), alternatives };
    });
  }

  /** Every value that a rule of uniqueness covers. */
  *#ruled(tree: LocatedElement): Iterable<{
    readonly element: LocatedElement;
    readonly rule: UniqueRule;
    readonly value: string;
    readonly compared: string;
  }> {
    if (this.#unique.size === 0) return;
    for (const element of elementsOf(tree)) {
      for (const rule of this.#unique.get(keyOf(element)) ?? []) {
        const value = attribute(element, rule.attribute);
        if (value !== undefined) yield { element, rule, value, compared: compare(rule, value) };
      }
    }
  }

  *#claims(tree: LocatedElement): Iterable<{
    readonly element: LocatedElement;
    readonly rule: UniqueRule;
    readonly value: string;
    readonly claim: Claim;
  }> {
    for (const { element, rule, value } of this.#ruled(tree)) {
      if (rule.within === 'server') yield { element, rule, value, claim: claimBy(this.auid, rule, value) };
    }
  }

  #fieldOf(element: LocatedElement, rule: UniqueRule): string {
    return `${selectorOf(element, this.#declaration.defaultNamespace)}/@${encodeURIComponent(rule.attribute)}`;
  }
}

class DeclaredUsage extends DeclaredRules implements ApplicationUsage {
  readonly defaultNamespace: string;
  readonly mediaType: string;
  readonly namespaces: readonly string[];
  readonly #declared: UsageDeclaration;

  constructor(declaration: UsageDeclaration) {
    super(declaration);
    const { defaultNamespace, mediaType, namespaces } = declaration;
    this.defaultNamespace = defaultNamespace;
    this.mediaType = mediaType;
    this.namespaces = [...new Set([defaultNamespace, ...namespaces])];
    this.#declared = declaration;
  }

  nameOf(selector: DocumentSelector): DocumentName {
    if (isFolder(selector)) throw new NotFound('the URI names a folder');
    const name = documentName(selector);
    if (!this.#declared.trees.includes(selector.tree) && !this.isIndex(name)) {
      throw new NotFound(`this application usage has no documents in the ${selector.tree} tree`);
    }
    return name;
  }

  /** Whether `name` is that of the document that the server writes. */
  isIndex(name: DocumentName): boolean {
    return this.#declared.collected !== undefined && name === indexName(this.auid);
  }

  place({ claims }: DocumentFacts, name: DocumentName): Placement {
    return { key: name, names: [name], claims };
  }

  async collision(
    { claims }: DocumentFacts,
    _taken: readonly string[],
    claimed: readonly ClaimedValue[],
    isTaken: IsTaken,
  ): Promise<UniquenessFailure | ConstraintFailure> {
    if (claimed.length === 0) return new ConstraintFailure('the name belongs to another document');
    const own = new Set<string>(claims);
    const values: TakenValue[] = [];
    for (const { field, value, rule: index } of claimed) {
      const rule = this.#declared.unique[index];
      const isFree = async (candidate: string): Promise<boolean> => {
        if (rule === undefined) return false;
        const claim = claimBy(this.auid, rule, candidate);
        return !own.has(claim) && !(await isTaken(claim));
      };
      const alternatives =
        rule?.alternatives === true ? await findFreeValuesNear(value, rule.compare, isFree) : [];
      values.push({ field, alternatives });
    }
    return new UniquenessFailure('another document holds a value that must be unique', values);
  }
}

function claimBy(auid: Auid, rule: UniqueRule, value: string): Claim {
  return claimOf(auid, `${keyOf(rule.element)}/@${rule.attribute}`, compare(rule, value));
}

function compare(rule: UniqueRule, value: string): string {
  return rule.compare === 'uri' ? canonicalUri(value) : value;
}

/** The document that the server writes for a usage that collects. */
export function indexName(auid: Auid): DocumentName {
  return documentName({ auid, tree: 'global', xui: undefined, path: ['index'] });
}

/** What `declaration` says of the content of documents. */
export function createDeclaredRules(declaration: UsageDeclaration): DocumentRules {
  return new DeclaredRules(declaration);
}

/** The usage that `declaration` declares. */
export function createDeclaredUsage(declaration: UsageDeclaration): ApplicationUsage {
  return new DeclaredUsage(declaration);
}
