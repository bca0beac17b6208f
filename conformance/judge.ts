import type { BodyRule, ErrorRule, Expectation, HeaderRule } from './case-format.js';
import type { Answer } from './exchange.js';
import type { Names } from './names.js';
import { readXml, type XmlElement } from './xml.js';

/** Compares an answer with what a case expects; every difference is told in one sentence. */

const errorNamespace = 'urn:ietf:params:xml:ns:xcap-error';
const errorType = 'application/xcap-error+xml';

/** Media types that cases name by one word. */
export const mediaTypes: Readonly<Record<string, string>> = {
  group: 'application/vnd.oma.poc.groups+xml',
  lists: 'application/resource-lists+xml',
  services: 'application/rls-services+xml',
  element: 'application/xcap-el+xml',
  attribute: 'application/xcap-att+xml',
  namespaces: 'application/xcap-ns+xml',
  caps: 'application/xcap-caps+xml',
  directory: 'application/vnd.oma.xcap-directory+xml',
  gmop: 'application/vnd.3gpp.GMOP+xml',
};

/** What was sent and answered before, by the names that requests are saved under. */
export interface Earlier {
  readonly names: Names;
  readonly sent: ReadonlyMap<string, Buffer>;
  /** Whether bodies that are the same XML, though not octet for octet, are as expected. */
  readonly lenient: boolean;
}

function show(bytes: Buffer | string): string {
  const text = bytes.toString();
  return JSON.stringify(text.length > 600 ? `${text.slice(0, 600)}…` : text);
}

function fieldOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : value;
}

function essence(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

function headerDifference(
  name: string,
  rule: HeaderRule,
  answer: Answer,
  { names }: Earlier,
): string | undefined {
  const value = fieldOf(answer, name);
  const found = value === undefined ? 'it is absent' : `it is ${show(value)}`;
  if (typeof rule === 'string') {
    const wanted = names.fill(rule);
    return value === wanted ? undefined : `${name} should be ${show(wanted)}; ${found}`;
  }
  if ('present' in rule) {
    if ((value !== undefined) === rule.present) return undefined;
    return `${name} should be ${rule.present ? 'present' : 'absent'}; ${found}`;
  }
  if ('pattern' in rule) {
    if (value !== undefined && new RegExp(rule.pattern).test(value)) return undefined;
    return `${name} should match ${rule.pattern}; ${found}`;
  }
  if ('lists' in rule) {
    const listed = (value ?? '').split(',').map((each) => each.trim());
    const absent = rule.lists.filter((each) => !listed.includes(each));
    return absent.length === 0 ? undefined : `${name} should list ${absent.join(', ')}; ${found}`;
  }
  if ('same' in rule) {
    const wanted = fieldOf(names.answer(rule.same), name);
    if (value !== undefined && value === wanted) return undefined;
    return `${name} should be that of answer ${rule.same}, ${show(wanted ?? 'which has none')}; ${found}`;
  }
  const equal = rule.different.find((each) => fieldOf(names.answer(each), name) === value);
  if (value !== undefined && equal === undefined) return undefined;
  return `${name} should differ from that of answer ${rule.different.join(' and ')}; ${found}`;
}

function bindingsDifference(
  element: string,
  bindings: Readonly<Record<string, string>>,
  text: string,
): string[] {
  const root = readXml(text);
  if (root === undefined) return [`the body should be XML; it is ${show(text)}`];
  const differences: string[] = [];
  if (root.name !== element) differences.push(`the element should be ${element}; it is ${root.name}`);
  if (root.children.length > 0 || root.text !== '') differences.push('the element should be empty');
  if (root.attributes.size > 0) differences.push('the element should have declarations only');
  const wanted = JSON.stringify(Object.entries(bindings).sort());
  const found = JSON.stringify([...root.declared].filter(([prefix]) => prefix !== 'xml').sort());
  if (wanted !== found) differences.push(`the bindings should be ${wanted}; they are ${found}`);
  return differences;
}

/** Whether two documents or elements say the same, white space, comments and prefixes aside. */
function sameXml(wanted: XmlElement, found: XmlElement): boolean {
  const sorted = ({ attributes }: XmlElement): string => JSON.stringify([...attributes].sort());
  return (
    wanted.namespace === found.namespace &&
    wanted.local === found.local &&
    wanted.text.trim() === found.text.trim() &&
    sorted(wanted) === sorted(found) &&
    wanted.children.length === found.children.length &&
    wanted.children.every((child, index) => {
      const other = found.children[index];
      return other !== undefined && sameXml(child, other);
    })
  );
}

function sameBody(what: string, wanted: Buffer, found: Buffer, lenient: boolean): string[] {
  if (lenient) {
    const [left, right] = [readXml(wanted.toString('utf8')), readXml(found.toString('utf8'))];
    if (left !== undefined && right !== undefined && sameXml(left, right)) return [];
  }
  return wanted.equals(found) ? [] : [`the body should be ${what}, ${show(wanted)}; it is ${show(found)}`];
}

function bodyDifferences(rule: BodyRule, answer: Answer, { names, sent, lenient }: Earlier): string[] {
  const text = answer.body.toString('utf8');
  if (typeof rule === 'string') return sameBody('as the case says', names.bytes(rule), answer.body, lenient);
  if ('empty' in rule) return text === '' ? [] : [`the body should be empty; it is ${show(text)}`];
  if ('sent' in rule)
    return sameBody(`what ${rule.sent} sent`, sent.get(rule.sent) ?? Buffer.alloc(0), answer.body, lenient);
  if ('same' in rule)
    return sameBody(`that of ${rule.same}`, names.answer(rule.same).body, answer.body, lenient);
  if ('root' in rule) {
    const root = readXml(text);
    const found = root === undefined ? 'no XML' : `{${root.namespace}}${root.local}`;
    return found === rule.root ? [] : [`the root element should be ${rule.root}; it is ${found}`];
  }
  if ('includes' in rule) {
    const included = rule.includes.map((each) => names.fill(each)).filter((each) => !text.includes(each));
    const excluded = (rule.excludes ?? [])
      .map((each) => names.fill(each))
      .filter((each) => text.includes(each));
    return [
      ...included.map((each) => `the body should hold ${show(each)}; it is ${show(text)}`),
      ...excluded.map((each) => `the body should not hold ${show(each)}; it is ${show(text)}`),
    ];
  }
  if ('pattern' in rule) {
    const pattern = names.fill(rule.pattern);
    return new RegExp(pattern, 's').test(text)
      ? []
      : [`the body should match ${pattern}; it is ${show(text)}`];
  }
  if ('bindings' in rule) return bindingsDifference(rule.element, rule.bindings, text);
  return sameBody('as the case says', names.bytes(rule), answer.body, lenient);
}

/** What is wrong with the shape of an `xcap-error` (RFC 4825 clause 11.2). */
function shapeFaults(root: XmlElement, condition: XmlElement): string[] {
  const faults: string[] = [];
  const own = [root, condition, ...condition.children].filter(
    ({ namespace }) => namespace === errorNamespace,
  );
  if (root.children.length !== 1) faults.push('the xcap-error should name one condition');
  if (root.attributes.size > 0) faults.push('the xcap-error should have no attributes');
  if (condition.local === 'extension') return faults;
  if (own.length < 2 + condition.children.length) faults.push('the xcap-error should stay in its namespace');
  if ([...condition.attributes.keys()].some((name) => name !== 'phrase')) {
    faults.push(`${condition.local} should have no attribute but phrase`);
  }
  const children = condition.children.map(({ local }) => local);
  const lawful =
    condition.local === 'no-parent'
      ? children.length <= 1 && children.every((child) => child === 'ancestor')
      : condition.local === 'uniqueness-failure'
        ? children.length > 0 && children.every((child) => child === 'exists')
        : children.length === 0;
  if (!lawful) faults.push(`${condition.local} should not hold ${children.join(', ') || 'nothing'}`);
  for (const exists of condition.children.filter(({ local }) => local === 'exists')) {
    if (!exists.attributes.has('field')) faults.push('exists should have a field');
    if (exists.children.some(({ local }) => local !== 'alt-value'))
      faults.push('exists holds alt-value only');
  }
  return faults;
}

/** A URI as far as it names a resource of the server: decoded, from the application usage on. */
function resourceOf(uri: string): string {
  let decoded = uri;
  try {
    decoded = decodeURIComponent(uri);
  } catch {
    // Not percent-encoded: compared as it is.
  }
  const at = decoded.search(/\/(org\.openmobilealliance\.groups|resource-lists|rls-services)\//);
  return at < 0 ? decoded : decoded.slice(at);
}

function errorDifferences(rule: ErrorRule, answer: Answer, { names }: Earlier): string[] {
  const type = essence(fieldOf(answer, 'content-type') ?? '');
  const differences =
    type === errorType ? [] : [`the media type should be ${errorType}; it is ${show(type)}`];
  const text = answer.body.toString('utf8');
  const root = readXml(text);
  const condition = root?.children[0];
  if (root?.local !== 'xcap-error' || root.namespace !== errorNamespace || condition === undefined) {
    return [...differences, `the body should be an xcap-error; it is ${show(text)}`];
  }
  differences.push(...shapeFaults(root, condition));
  const wanted = typeof rule === 'string' ? [rule] : [rule.condition].flat();
  if (!wanted.some((each) => each === condition.local)) {
    differences.push(`the condition should be ${wanted.join(' or ')}; it is ${condition.local}`);
  }
  if (typeof rule === 'string') return differences;
  const ancestor = condition.children.find(({ local }) => local === 'ancestor')?.text;
  if (rule.ancestor !== undefined && ancestor !== undefined) {
    const resource = resourceOf(names.fill(rule.ancestor));
    if (!resourceOf(ancestor).endsWith(resource)) {
      differences.push(`the ancestor, where there is one, should be ${resource}; it is ${ancestor}`);
    }
  }
  if (rule.exists !== undefined && condition.local === 'uniqueness-failure') {
    const { field, alternatives = 0 } = rule.exists;
    const found = condition.children.find(
      (each) => field === undefined || each.attributes.get('field') === field,
    );
    if (found === undefined) differences.push(`there should be an exists with the field ${field ?? ''}`);
    else if (found.children.length < alternatives) {
      differences.push(
        `exists should offer ${alternatives} alternatives; it offers ${found.children.length}`,
      );
    }
  }
  return differences;
}

/** The differences between `answer` and what is expected of it; none where it conforms. */
export function differencesOf(answer: Answer, expected: Expectation, earlier: Earlier): readonly string[] {
  const differences: string[] = [];
  const statuses = [expected.status].flat();
  if (!statuses.includes(answer.status)) {
    differences.push(`the status should be ${statuses.join(' or ')}; it is ${answer.status}`);
  }
  for (const [name, rule] of Object.entries(expected.headers ?? {})) {
    const difference = headerDifference(name, rule, answer, earlier);
    if (difference !== undefined) differences.push(difference);
  }
  if (expected.type !== undefined) {
    const wanted = (mediaTypes[expected.type] ?? expected.type).toLowerCase();
    const found = essence(fieldOf(answer, 'content-type') ?? '');
    if (found !== wanted) differences.push(`the media type should be ${wanted}; it is ${show(found)}`);
  }
  // RFC 9110 clause 15.5.6.
  if (answer.status === 405 && fieldOf(answer, 'allow') === undefined)
    differences.push('405 should have Allow');
  // RFC 9110 clause 15.4.5.
  if (answer.status === 304 && answer.body.length > 0) differences.push('304 should have no body');
  if (expected.body !== undefined) differences.push(...bodyDifferences(expected.body, answer, earlier));
  // Where several statuses are lawful, a condition is expected of a conflict alone.
  if (expected.error !== undefined && (answer.status === 409 || statuses.length === 1)) {
    differences.push(...errorDifferences(expected.error, answer, earlier));
  }
  return differences;
}
