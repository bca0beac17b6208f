import type { GroupId } from '../base/identifiers.js';
import { LongestPrefix } from '../base/longest-prefix.js';
import { sipDomain, toGroupId } from '../base/uri.js';

/**
 * Which GMS of an MC system a group ID is for, where there are several behind a gateway. The rule, which
 * gives one answer for every group ID:
 *
 *   1. a group ID that a GMS names goes there;
 *   2. else the fitting pattern with the most characters besides its star decides;
 *   3. else the domain of a SIP URI, as a whole, or the longest fitting prefix of a tel URI;
 *   4. else the group ID belongs to no GMS.
 *
 * Two patterns of different GMSs that are equally long and can fit the same group ID would leave it open;
 * `undecided` finds them before the gateway starts.
 */

/** Which group IDs are those of a GMS; all in canonical form. */
export interface RoutedGms {
  readonly name: string;
  /** Group IDs, and patterns of SIP URIs with one star in their user part. */
  readonly groups: readonly string[];
  readonly domains: readonly string[];
  readonly telPrefixes: readonly string[];
}

/** A pattern: what stands before and behind its star. */
interface Pattern {
  readonly before: string;
  readonly after: string;
}

/**
 * A group ID, or a pattern of group IDs: a SIP URI with one `*` in its user part, which stands for any
 * characters of a user part, or none.
 *
 * @returns its canonical form, or undefined where `text` is neither
 */
export function readGroupPattern(text: string): string | undefined {
  const canonical = toGroupId(text);
  if (canonical?.includes('*') !== true) return canonical;
  return patternOf(canonical) === undefined ? undefined : canonical;
}

function patternOf(text: string): Pattern | undefined {
  const { before, after } = /^(?<before>sips?:[^*@]*)\*(?<after>[^*@]*@[^*@]+)$/.exec(text)?.groups ?? {};
  return before === undefined || after === undefined ? undefined : { before, after };
}

function fits({ before, after }: Pattern, groupId: string): boolean {
  return (
    groupId.length >= before.length + after.length && groupId.startsWith(before) && groupId.endsWith(after)
  );
}

function weight({ before, after }: Pattern): number {
  return before.length + after.length;
}

/** Whether the rule leaves open which of two patterns decides for some group ID. */
export function undecided(one: string, other: string): boolean {
  const [a, b] = [patternOf(one), patternOf(other)];
  if (a === undefined || b === undefined) return false;
  if (weight(a) !== weight(b)) return false;
  const heads = a.before.startsWith(b.before) || b.before.startsWith(a.before);
  return heads && (a.after.endsWith(b.after) || b.after.endsWith(a.after));
}

/** A pattern, or a group ID, and the GMS that it leads to. */
export interface OwnedPattern {
  readonly text: string;
  readonly owner: unknown;
}

/** A pattern among others of the same weight. */
interface Contender {
  readonly index: number;
  readonly owner: unknown;
  readonly pattern: Pattern;
}

/** The first contenders of each key, of two owners at most: one of them is never the owner of a third. */
class FirstOfEach {
  readonly #first = new Map<string, Contender>();
  readonly #second = new Map<string, Contender>();

  add(key: string, contender: Contender): void {
    const first = this.#first.get(key);
    if (first === undefined) this.#first.set(key, contender);
    else if (first.owner !== contender.owner && !this.#second.has(key)) this.#second.set(key, contender);
  }

  /** The first one of another owner. */
  rivalOf(key: string, { owner }: Contender): number | undefined {
    const first = this.#first.get(key);
    return (first?.owner === owner ? this.#second.get(key) : first)?.index;
  }
}

function groupedBy<K>(contenders: readonly Contender[], key: (pattern: Pattern) => K): Map<K, Contender[]> {
  const groups = new Map<K, Contender[]>();
  for (const each of contenders) {
    const group = groups.get(key(each.pattern));
    if (group === undefined) groups.set(key(each.pattern), [each]);
    else group.push(each);
  }
  return groups;
}

/**
 * For each pattern the index of the first one before it, of another owner, with which it is `undecided`.
 *
 * Subtle: pairs are not compared, since a configuration may hold thousands of patterns. Of two with the same weight
 * and their stars at two places, all characters count but those between the places: so they are undecided exactly
 * where the others are the same. Each pattern is looked up once for every place at which a star stands.
 */
export function firstRivals(patterns: readonly OwnedPattern[]): readonly (number | undefined)[] {
  const rivals: (number | undefined)[] = patterns.map(() => undefined);
  const note = (index: number, rival: number | undefined): void => {
    if (rival !== undefined) rivals[index] = Math.min(rivals[index] ?? Infinity, rival);
  };
  const contenders = patterns.flatMap(({ text, owner }, index) => {
    const pattern = patternOf(text);
    return pattern === undefined ? [] : [{ index, owner, pattern }];
  });
  for (const equals of groupedBy(contenders, weight).values()) {
    const byStar = [...groupedBy(equals, ({ before }) => before.length)].sort(([a], [b]) => a - b);
    for (const [at, [star, some]] of byStar.entries()) {
      for (const [laterStar, others] of byStar.slice(at)) {
        const seen = { some: new FirstOfEach(), others: new FirstOfEach() };
        const together = laterStar === star ? some : [...some, ...others].sort((a, b) => a.index - b.index);
        for (const each of together) {
          const { before, after } = each.pattern;
          // Behind the later star stand as many characters as the pattern with that star has there.
          const key = before.slice(0, star) + after.slice(laterStar - before.length);
          const isFirst = before.length === star;
          note(each.index, (isFirst && laterStar !== star ? seen.others : seen.some).rivalOf(key, each));
          (isFirst ? seen.some : seen.others).add(key, each);
        }
      }
    }
  }
  return rivals;
}

/** The routes to the GMSs `G` behind a gateway. */
export class GatewayRoutes<G extends RoutedGms> {
  readonly #byGroup = new Map<string, G>();
  readonly #byPattern: (readonly [Pattern, G])[] = [];
  readonly #byDomain = new Map<string, G>();
  readonly #byPrefix = new LongestPrefix<G>();

  constructor(servers: readonly G[]) {
    for (const gms of servers) {
      for (const group of gms.groups) {
        const pattern = patternOf(group);
        if (pattern === undefined) this.#byGroup.set(group, gms);
        else this.#byPattern.push([pattern, gms]);
      }
      for (const domain of gms.domains) this.#byDomain.set(domain, gms);
      for (const prefix of gms.telPrefixes) this.#byPrefix.add(prefix, gms);
    }
    this.#byPattern.sort(([a], [b]) => weight(b) - weight(a));
  }

  /** The GMS that `groupId` is for, or undefined where it belongs to none. */
  gmsOf(groupId: GroupId): G | undefined {
    const named =
      this.#byGroup.get(groupId) ?? this.#byPattern.find(([pattern]) => fits(pattern, groupId))?.[1];
    if (named !== undefined) return named;
    const domain = sipDomain(groupId);
    if (domain !== undefined) return this.#byDomain.get(domain);
    return this.#byPrefix.valueFor(groupId);
  }
}
