import { parseQName } from './names.js';
import { attribute, childNamed, namespacesInScope, type LocatedElement } from './tree.js';

/**
 * Where an element may stand among its siblings, as the schema of the document says (XML Schema part 1 clause 3.8):
 * what the engine knows and does not tell. It is read from the same files that the engine compiles, so that it holds
 * for the schemas of the configuration too. Nothing is judged by it: the engine validates what comes of it.
 *
 * The content model of a type is kept as an automaton (Glushkov's): one state for each particle that is an element or
 * a wildcard, and for each the ones that may come next. Schemas are unambiguous (clause 3.8.6), so a run is in one
 * state nearly always; the work grows with the number of siblings, not with its square.
 *
 * Subtle: occurrences are known as at most one or any number, at least none or one. So a model takes a little more
 * than its schema, which does no harm: where the count is wrong, no place is right. What is not understood
 * (`xs:redefine`, a type that is nowhere) makes the place unknown, not wrong.
 */

const xsd = 'http://www.w3.org/2001/XMLSchema';
const xsi = 'http://www.w3.org/2001/XMLSchema-instance';

export interface ExpandedName {
  readonly namespace: string;
  readonly local: string;
}

/** A component of a schema, and the namespace that the schema declares. */
interface Component {
  readonly node: LocatedElement;
  readonly target: string;
  /** Whether local elements are of that namespace where they do not say otherwise. */
  readonly isQualified: boolean;
}

/** A state of an automaton: an element or a wildcard of the content model. */
interface Particle {
  admits(name: ExpandedName): boolean;
  /** What declares the elements that it admits; undefined for a wildcard, which leaves it to their names. */
  readonly declaration: Component | undefined;
}

/** A part of a content model, as Glushkov's construction builds it. */
interface Part {
  readonly isEmptiable: boolean;
  readonly first: readonly Particle[];
  readonly last: readonly Particle[];
}

interface Model {
  readonly start: readonly Particle[];
  readonly particles: readonly Particle[];
  readonly follow: ReadonlyMap<Particle, ReadonlySet<Particle>>;
  readonly last: ReadonlySet<Particle>;
  readonly isEmptiable: boolean;
}

/** Something in a schema that this module does not understand. */
class NotUnderstood extends Error {}

const nothing: Part = { isEmptiable: true, first: [], last: [] };

function key({ namespace, local }: ExpandedName): string {
  return `{${namespace}}${local}`;
}

function isXsd(node: LocatedElement, ...locals: readonly string[]): boolean {
  return node.namespace === xsd && locals.includes(node.local);
}

/** The name that the QName `text` stands for where it is written. */
function named(text: string, { node, target }: Component): ExpandedName {
  const qname = parseQName(text.trim());
  if (qname === undefined) throw new NotUnderstood(text);
  // A schema without a namespace of its own takes that of the one that includes it, and so do its names.
  const bound = namespacesInScope(node).get(qname.prefix);
  return { namespace: bound ?? (qname.prefix === '' ? target : ''), local: qname.local };
}

/** Builds the automaton of one content model. */
class ModelBuilder {
  readonly particles: Particle[] = [];
  readonly follow = new Map<Particle, Set<Particle>>();

  leaf(particle: Particle): Part {
    this.particles.push(particle);
    this.follow.set(particle, new Set());
    return { isEmptiable: false, first: [particle], last: [particle] };
  }

  sequence(parts: readonly Part[]): Part {
    return parts.reduce((before, after) => {
      this.#join(before.last, after.first);
      return {
        isEmptiable: before.isEmptiable && after.isEmptiable,
        first: before.isEmptiable ? [...before.first, ...after.first] : before.first,
        last: after.isEmptiable ? [...before.last, ...after.last] : after.last,
      };
    }, nothing);
  }

  choice(parts: readonly Part[]): Part {
    return {
      isEmptiable: parts.length === 0 || parts.some(({ isEmptiable }) => isEmptiable),
      first: parts.flatMap(({ first }) => first),
      last: parts.flatMap(({ last }) => last),
    };
  }

  occurring(part: Part, node: LocatedElement): Part {
    const most = attribute(node, 'maxOccurs') ?? '1';
    if (most === '0') return nothing;
    if (most !== '1') this.#join(part.last, part.first);
    return attribute(node, 'minOccurs') === '0' ? { ...part, isEmptiable: true } : part;
  }

  /** `part` any number of times, none as well. */
  repeated(part: Part): Part {
    this.#join(part.last, part.first);
    return { ...part, isEmptiable: true };
  }

  #join(from: readonly Particle[], to: readonly Particle[]): void {
    for (const particle of from) for (const next of to) this.follow.get(particle)?.add(next);
  }
}

/** A tree of the schema file that a `schemaLocation` names; undefined where it is not there or cannot be read. */
export type OpenSchema = (location: string) => LocatedElement | undefined;

/** The content models of one schema, with those that it includes and imports. */
export class ContentModels {
  readonly #elements = new Map<string, Component>();
  readonly #types = new Map<string, Component>();
  readonly #groups = new Map<string, Component>();
  /** By head of a substitution group, the names that may stand for it. */
  readonly #substitutes = new Map<string, ExpandedName[]>();
  readonly #models = new Map<LocatedElement, Model | undefined>();

  constructor(location: string, open: OpenSchema) {
    this.#load(location, undefined, open, new Set());
  }

  /**
   * The last place among the children of `parent` where an element `name` may stand: place n is before the n-th
   * child, counted from 0. Undefined where there is none, or where the schema does not tell.
   */
  lastPlace(parent: LocatedElement, name: ExpandedName): number | undefined {
    try {
      const model = this.#modelOf(parent);
      return model && lastPlaceIn(model, parent.children, name);
    } catch (error) {
      if (error instanceof NotUnderstood) return undefined;
      throw error;
    }
  }

  #load(location: string, into: string | undefined, open: OpenSchema, loaded: Set<string>): void {
    const id = `${location} ${into ?? ''}`;
    const root = loaded.has(id) ? undefined : open(location);
    loaded.add(id);
    if (root === undefined) return;
    const target = attribute(root, 'targetNamespace') ?? into ?? '';
    const isQualified = attribute(root, 'elementFormDefault') === 'qualified';
    for (const node of root.children) {
      const component = { node, target, isQualified };
      const from = attribute(node, 'schemaLocation');
      if (isXsd(node, 'import', 'include') && from !== undefined) {
        this.#load(from, node.local === 'include' ? target : undefined, open, loaded);
      }
      const local = attribute(node, 'name') ?? '';
      if (isXsd(node, 'complexType', 'simpleType'))
        this.#types.set(key({ namespace: target, local }), component);
      if (isXsd(node, 'group')) this.#groups.set(key({ namespace: target, local }), component);
      if (isXsd(node, 'element')) this.#declare({ namespace: target, local }, component);
    }
  }

  #declare(name: ExpandedName, component: Component): void {
    this.#elements.set(key(name), component);
    const head = attribute(component.node, 'substitutionGroup');
    if (head === undefined) return;
    const id = key(named(head, component));
    this.#substitutes.set(id, [...(this.#substitutes.get(id) ?? []), name]);
  }

  /** The content model of `element`, found from the document element down. */
  #modelOf(element: LocatedElement): Model | undefined {
    const stated = element.attributes.find(({ local, namespace }) => local === 'type' && namespace === xsi);
    if (stated !== undefined) {
      const qname = parseQName(stated.value.trim());
      const namespace = namespacesInScope(element).get(qname?.prefix ?? '') ?? '';
      return this.#modelOfType(this.#types.get(key({ namespace, local: qname?.local ?? '' })));
    }
    const declaration = this.#declarationOf(element);
    return declaration && this.#modelOfType(this.#typeOf(declaration));
  }

  #declarationOf(element: LocatedElement): Component | undefined {
    if (element.parent === undefined) return this.#elements.get(key(element));
    const particles = this.#modelOf(element.parent)?.particles ?? [];
    // One name has one type among the children of a type (clause 3.8.6, element declarations consistent).
    const particle =
      particles.find((each) => each.declaration !== undefined && each.admits(element)) ??
      particles.find((each) => each.admits(element));
    if (particle === undefined) return undefined;
    const { declaration } = particle;
    const isLocal = declaration !== undefined && attribute(declaration.node, 'name') === element.local;
    return isLocal ? declaration : this.#elements.get(key(element));
  }

  #typeOf(declaration: Component): Component | undefined {
    const type = attribute(declaration.node, 'type');
    if (type !== undefined) return this.#types.get(key(named(type, declaration)));
    const node = childNamed(declaration.node, xsd, 'complexType');
    if (node !== undefined) return { ...declaration, node };
    const head = attribute(declaration.node, 'substitutionGroup');
    const of = head === undefined ? undefined : this.#elements.get(key(named(head, declaration)));
    return of && this.#typeOf(of);
  }

  #modelOfType(type: Component | undefined): Model | undefined {
    if (type === undefined || !isXsd(type.node, 'complexType')) return undefined;
    if (this.#models.has(type.node)) return this.#models.get(type.node);
    const builder = new ModelBuilder();
    const model = this.#understood(() => {
      const { first, last, isEmptiable } = this.#content(type, builder);
      const { particles, follow } = builder;
      return { start: first, particles, follow, last: new Set(last), isEmptiable };
    });
    this.#models.set(type.node, model);
    return model;
  }

  #understood<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (error instanceof NotUnderstood) return undefined;
      throw error;
    }
  }

  /** The content of a complex type. @throws NotUnderstood */
  #content(type: Component, builder: ModelBuilder): Part {
    const complex = childNamed(type.node, xsd, 'complexContent');
    if (complex === undefined) return this.#firstGroup(type, builder);
    const derived = complex.children.find((node) => isXsd(node, 'extension', 'restriction'));
    if (derived === undefined) throw new NotUnderstood('complexContent');
    const own = { ...type, node: derived };
    if (derived.local === 'restriction') return this.#firstGroup(own, builder);
    const base = named(attribute(derived, 'base') ?? '', own);
    const extended = this.#types.get(key(base));
    if (extended === undefined) throw new NotUnderstood(base.local);
    return builder.sequence([this.#content(extended, builder), this.#firstGroup(own, builder)]);
  }

  #firstGroup(of: Component, builder: ModelBuilder): Part {
    const node = of.node.children.find((child) => isXsd(child, 'sequence', 'choice', 'all', 'group'));
    return node === undefined ? nothing : this.#part({ ...of, node }, builder);
  }

  #part(of: Component, builder: ModelBuilder): Part {
    const { node } = of;
    const parts = (): readonly Part[] =>
      node.children
        .filter((child) => isXsd(child, 'sequence', 'choice', 'all', 'group', 'element', 'any'))
        .map((child) => this.#part({ ...of, node: child }, builder));
    switch (node.local) {
      case 'sequence':
        return builder.occurring(builder.sequence(parts()), node);
      case 'choice':
        return builder.occurring(builder.choice(parts()), node);
      case 'all':
        return builder.repeated(builder.choice(parts()));
      case 'group': {
        const group = this.#groups.get(key(named(attribute(node, 'ref') ?? '', of)));
        if (group === undefined) throw new NotUnderstood('group');
        return builder.occurring(this.#firstGroup(group, builder), node);
      }
      case 'any':
        return builder.occurring(builder.leaf(wildcard(of)), node);
      default:
        return builder.occurring(builder.leaf(this.#element(of)), node);
    }
  }

  #element(of: Component): Particle {
    const ref = attribute(of.node, 'ref');
    if (ref === undefined) {
      const form = attribute(of.node, 'form');
      const namespace = (form ?? (of.isQualified ? 'qualified' : '')) === 'qualified' ? of.target : '';
      const own = key({ namespace, local: attribute(of.node, 'name') ?? '' });
      return { admits: (name) => key(name) === own, declaration: of };
    }
    const names = new Set<string>();
    const add = (name: ExpandedName): void => {
      if (names.has(key(name))) return;
      names.add(key(name));
      for (const substitute of this.#substitutes.get(key(name)) ?? []) add(substitute);
    };
    const head = named(ref, of);
    add(head);
    return { admits: (name) => names.has(key(name)), declaration: this.#elements.get(key(head)) };
  }
}

/** The elements that `xs:any` admits (clause 3.10.4). */
function wildcard({ node, target }: Component): Particle {
  const admitted = (attribute(node, 'namespace') ?? '##any').trim().split(/[ \t\r\n]+/);
  const admits = ({ namespace }: ExpandedName): boolean =>
    admitted.some((each) => {
      switch (each) {
        case '##any':
          return true;
        case '##other':
          return namespace !== target && namespace !== '';
        case '##targetNamespace':
          return namespace === target;
        case '##local':
          return namespace === '';
        default:
          return namespace === each;
      }
    });
  return { admits, declaration: undefined };
}

/** A state before the first child, or the particle that admitted the last one. */
type State = Particle | undefined;

function* nextStates({ start, follow }: Model, state: State, name: ExpandedName): Iterable<Particle> {
  for (const particle of state === undefined ? start : (follow.get(state) ?? [])) {
    if (particle.admits(name)) yield particle;
  }
}

/**
 * Two runs over the children at once: without the new element, and with it. Of the runs with it that are in the same
 * state, the one that put it last goes on.
 */
function lastPlaceIn(
  model: Model,
  children: readonly LocatedElement[],
  name: ExpandedName,
): number | undefined {
  let without = new Set<State>([undefined]);
  let withNew = new Map<State, number>();
  for (let place = 0; ; place += 1) {
    for (const state of without) for (const next of nextStates(model, state, name)) withNew.set(next, place);
    const child = children[place];
    if (child === undefined) break;
    const nextWithout = new Set<State>();
    for (const state of without) for (const next of nextStates(model, state, child)) nextWithout.add(next);
    const nextWith = new Map<State, number>();
    for (const [state, at] of withNew) {
      for (const next of nextStates(model, state, child)) {
        nextWith.set(next, Math.max(at, nextWith.get(next) ?? 0));
      }
    }
    without = nextWithout;
    withNew = nextWith;
    if (without.size === 0 && withNew.size === 0) return undefined;
  }
  const places = [...withNew].flatMap(([state, at]) =>
    state !== undefined && model.last.has(state) ? [at] : [],
  );
  return places.length === 0 ? undefined : Math.max(...places);
}
