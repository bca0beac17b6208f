import { BoundedCache, entryWeight } from '../base/bounded-cache.js';
import type { ETag, GroupId, McServiceId } from '../base/identifiers.js';
import { toGroupId, toMcServiceId } from '../base/uri.js';
import type { Form } from '../documents/state.js';
import { textContent } from '../xml/content.js';
import { fragmentOf } from '../xml/fragment.js';
import { ns } from '../xml/names.js';
import { TagCursor, TextElement } from '../xml/tags.js';
import { readRules, type Rule } from './rules.js';

/**
 * What must be known of a stored group to say who may read it, read out of its text in one pass: whoever may read a
 * group may ask for it at any time, and to make its tree would cost far more than the answer (design D21). It says
 * what the view of the document's tree says; a test compares the two.
 */
export interface GroupReading {
  readonly groupId: GroupId | undefined;
  /** The owner, where `owner` names a user by MC service ID; the element may hold any text. */
  readonly owner: McServiceId | undefined;
  /** Range of the `list` in the text, or undefined where there is none. */
  readonly memberList: { readonly start: number; readonly end: number } | undefined;
  /** Every MC service ID of every member. */
  readonly identities: ReadonlySet<McServiceId>;
  readonly rules: readonly Rule[];
}

/** The MCVideo and MCData IDs of a member, inside its entry (TS 24.481 clause 7.2.2). */
const idElements = ['mcvideo-mcvideo-id', 'mcdata-mcdata-id'];

/** The elements of interest that the cursor is in. */
interface Inside {
  service?: TextElement | undefined;
  list?: TextElement | undefined;
  entry?: TextElement | undefined;
}

class GroupReader {
  readonly #text: string;
  readonly #identities = new Set<McServiceId>();
  readonly #rulesets: TextElement[] = [];
  readonly #inside: Inside = {};
  /** What is still open, root first, where its end must be known. */
  readonly #open: (TextElement | undefined)[] = [];
  #service: TextElement | undefined;
  #list: TextElement | undefined;
  #owner: TextElement | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): GroupReading {
    const cursor = new TagCursor(this.#text);
    while (cursor.next()) {
      if (cursor.kind === 'end') this.#leave(cursor);
      else {
        const element = this.#enter(cursor);
        if (cursor.kind === 'start') this.#open.push(element);
        else this.#forget(element);
      }
    }
    const groupId = toGroupId(this.#service?.valueOf('uri') ?? '');
    const owner = this.#owner && fragmentOf(this.#text, this.#owner);
    return {
      groupId,
      owner: owner && toMcServiceId(textContent(owner.text, owner.element)),
      memberList: this.#list && { start: this.#list.start, end: this.#list.end },
      identities: this.#identities,
      rules: this.#rulesets.flatMap((ruleset) =>
        readRules(fragmentOf(this.#text, ruleset), this.#identities),
      ),
    };
  }

  /** The element whose tag the cursor is at, where it is of interest. */
  #enter(cursor: TagCursor): TextElement | undefined {
    const depth = this.#open.length;
    const { service, list, entry } = this.#inside;
    if (depth === 0) return new TextElement(this.#text, cursor, undefined);
    if (depth === 1 && this.#service === undefined) return this.#enterService(cursor);
    if (depth === 2 && service !== undefined) return this.#enterPart(cursor, service);
    if (depth === 3 && list !== undefined) return this.#enterEntry(cursor, list);
    if (depth === 4 && entry !== undefined) this.#readId(new TextElement(this.#text, cursor, entry));
    return undefined;
  }

  #enterService(cursor: TagCursor): TextElement | undefined {
    const element = new TextElement(this.#text, cursor, this.#open[0]);
    if (!element.isNamed(ns.listService, 'list-service')) return undefined;
    this.#service = element;
    this.#inside.service = element;
    return element;
  }

  #enterPart(cursor: TagCursor, service: TextElement): TextElement | undefined {
    const element = new TextElement(this.#text, cursor, service);
    if (element.isNamed(ns.commonPolicy, 'ruleset')) this.#rulesets.push(element);
    else if (this.#owner === undefined && element.isNamed(ns.mcpttGroupInfo, 'owner')) this.#owner = element;
    else if (this.#list === undefined && element.isNamed(ns.listService, 'list')) {
      this.#list = element;
      this.#inside.list = element;
    } else return undefined;
    return element;
  }

  #enterEntry(cursor: TagCursor, list: TextElement): TextElement | undefined {
    const element = new TextElement(this.#text, cursor, list);
    if (!element.isNamed(ns.listService, 'entry')) return undefined;
    this.#addIdentity(element);
    this.#inside.entry = element;
    return element;
  }

  #readId(element: TextElement): void {
    if (idElements.some((local) => element.isNamed(ns.mcpttGroupInfo, local))) this.#addIdentity(element);
  }

  #addIdentity(element: TextElement): void {
    const identity = toMcServiceId(element.valueOf('uri') ?? '');
    if (identity !== undefined) this.#identities.add(identity);
  }

  #leave(cursor: TagCursor): void {
    const element = this.#open.pop();
    element?.close(cursor);
    this.#forget(element);
  }

  #forget(element: TextElement | undefined): void {
    if (element === undefined) return;
    const inside = this.#inside;
    if (element === inside.entry) inside.entry = undefined;
    if (element === inside.list) inside.list = undefined;
    if (element === inside.service) inside.service = undefined;
  }
}

/** What the `text` of a stored group says, which is valid. */
export function readGroup(text: string): GroupReading {
  return new GroupReader(text).read();
}

/** What the forms of groups say, kept within a bound of memory. */
export class GroupReadings {
  readonly #kept: BoundedCache<ETag, GroupReading>;
  /** The last one, which may have found no room: a request asks for it more than once. */
  #last: { readonly etag: ETag; readonly reading: GroupReading } | undefined;

  /** @param cacheBytes bound on the memory that is spent */
  constructor(cacheBytes: number) {
    this.#kept = new BoundedCache(cacheBytes);
  }

  /** @param use `once` for a pass over many groups: the reading takes no place of others */
  of({ etag, body }: Form, use?: 'once'): GroupReading {
    const known = this.#last?.etag === etag ? this.#last.reading : this.#kept.get(etag);
    if (known !== undefined) return known;
    const reading = readGroup(body);
    if (use === 'once') return reading;
    this.#last = { etag, reading };
    this.#kept.set(etag, reading, weightOf(reading));
    return reading;
  }
}

/** Bytes of memory that a reading takes, and each identity beside its characters. */
const readingWeight = 1000;
const identityWeight = 150;

function weightOf({ identities, rules }: GroupReading): number {
  let weight = entryWeight + readingWeight;
  for (const identity of identities) weight += identityWeight + identity.length;
  for (const { weight: ofRule } of rules) weight += ofRule;
  return weight;
}
