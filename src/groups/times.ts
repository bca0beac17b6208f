import { shortened } from '../base/text.js';
import { ConstraintFailure } from '../xcap/conflicts.js';
import { textContent } from '../xml/content.js';
import type { GatedText } from '../xml/gate.js';
import { ns } from '../xml/names.js';
import { attribute, elementsOf, type LocatedElement } from '../xml/tree.js';

/**
 * Times and durations of group documents that mean different things to different readers.
 *
 * The validity of a rule has a time zone (RFC 4745 clause 7.4 with erratum 1455): without one, some read local
 * time and some UTC, and a right begins or ends hours apart. Such a document is refused. The schema has no word for
 * it, and a document that was stored before goes on as it did: its times are read as UTC.
 *
 * A duration of years or months is lawful, but as long as the reader's calendar makes it; one below zero is
 * lawful and means nothing. These are told in remarks, and so is a validity that ends before it begins.
 */

/** Whether an `xs:dateTime` names its time zone. */
const zone = /(?:Z|[+-]\d\d:\d\d)$/;

/** @throws ConstraintFailure for the first time of a validity without a time zone */
export function checkTimes(document: GatedText): void {
  for (const element of elementsOf(document.tree)) {
    const time = isValidity(element)
      ? element.children.find((child) => !zone.test(textOf(document, child)))
      : undefined;
    if (time === undefined) continue;
    const written = shortened(textOf(document, time), 40);
    throw new ConstraintFailure(
      `${shortened(pathOf(time), 300)} needs a time zone, such as Z (RFC 4745 clause 7.4): ${written}`,
    );
  }
}

/** What is odd about the times and durations of a document: the first of each kind. */
export function remarksOnTimes(document: GatedText): readonly string[] {
  const first = new Map<string, string>();
  for (const element of elementsOf(document.tree)) {
    const oddity = isValidity(element) ? oddityOfValidity(document, element) : oddityOf(document, element);
    if (oddity !== undefined && !first.has(oddity)) first.set(oddity, element.local);
  }
  return [...first].map(([oddity, name]) => `${name} ${oddity}`);
}

function oddityOfValidity(document: GatedText, { children }: LocatedElement): string | undefined {
  const times = children.map((child) => toTime(textOf(document, child)));
  const ends = times.some((from, index) => index % 2 === 0 && from > (times[index + 1] ?? from));
  return ends ? 'ends before it begins: it never holds' : undefined;
}

/** A duration in an element of the MC service group namespace; text of another type hardly looks like one. */
function oddityOf(document: GatedText, element: LocatedElement): string | undefined {
  if (element.namespace !== ns.mcpttGroupInfo || element.children.length > 0) return undefined;
  const [, minus, date] = /^(-?)P(?=.)([^T]*)(?:T[\dHMS.]+)?$/.exec(textOf(document, element)) ?? [];
  if (date === undefined || !/^(?:\d+[YMD])*$/.test(date)) return undefined;
  if (/[YM]/.test(date)) return 'has years or months, which are not equally long: write days or hours';
  return minus === '-' ? 'is a duration below zero' : undefined;
}

function isValidity({ namespace, local }: LocatedElement): boolean {
  return namespace === ns.commonPolicy && local === 'validity';
}

/** The names that lead to `element`; a rule is told from others by its ID. */
function pathOf(element: LocatedElement): string {
  const { local, parent } = element;
  const id = local === 'rule' ? `[@id="${attribute(element, 'id') ?? ''}"]` : '';
  return `${parent === undefined ? '' : `${pathOf(parent)}/`}${local}${id}`;
}

function textOf({ text }: GatedText, element: LocatedElement): string {
  return textContent(text, element).trim();
}

/**
 * Milliseconds since the epoch of an `xs:dateTime`, which is UTC where it names no zone; NaN for none. Years of
 * more than four digits are lawful: what lies beyond all that a clock can show is infinitely far away.
 */
export function toTime(dateTime: string): number {
  const [, minus = '', year, rest = ''] = /^(-?)(\d{4,})(-.*)$/.exec(dateTime) ?? [];
  if (year === undefined) return NaN;
  if (year.length > 6) return minus === '' ? Infinity : -Infinity;
  const isPlain = minus === '' && year.length === 4;
  // A leap second, which no clock of ours shows, is the end of its minute.
  const lawful = rest.replace(/(T\d\d:\d\d):60/, '$1:59');
  const written = isPlain ? year : `${minus === '' ? '+' : '-'}${year.padStart(6, '0')}`;
  const time = Date.parse(`${written}${lawful}${zone.test(rest) ? '' : 'Z'}`);
  if (!Number.isNaN(time) || year.length < 6) return time;
  return minus === '' ? Infinity : -Infinity;
}
