import { fileURLToPath } from 'node:url';
import { defaultConfig } from '../src/gms/config.js';
import { deleteNode, putAttribute, putElement } from '../src/xcap/edit.js';
import { locate } from '../src/xcap/locate.js';
import { parseNodeSelector, type NodeSelector } from '../src/xcap/node-selector.js';
import { gateBytes, gateText, type GatedText } from '../src/xml/gate.js';
import { ns } from '../src/xml/names.js';
import { Schemas } from '../src/xml/schemas.js';
import { medianTimeOf } from './statistics.js';

/**
 * What a node edit costs by the size of the group: it must grow with the document and not faster. The
 * network and the disk are left out; they cost the same for every edit. `node dist/bench/edits.js` runs
 * it by itself.
 */

/** Members of the groups that are measured. */
export const editSizes: readonly number[] = [10, 100, 1000, 10_000];

/** Median milliseconds of one operation in a group of so many members. */
export interface EditCost {
  readonly members: number;
  readonly octets: number;
  /** Locating the last member in a kept tree and cutting it out. */
  readonly getElement: number;
  readonly insertElement: number;
  readonly replaceElement: number;
  readonly putAttribute: number;
  readonly deleteElement: number;
  /** The document that an insertion makes, validated against the schema, as every edit's result is. */
  readonly validate: number;
  /** A whole-document PUT in its place: gate and validation. */
  readonly putDocument: number;
}

type Operation = Exclude<keyof EditCost, 'members' | 'octets'>;

const operations: readonly Operation[] = [
  'getElement',
  'insertElement',
  'replaceElement',
  'putAttribute',
  'deleteElement',
  'validate',
  'putDocument',
];

const entry = (number: number): string => `<entry uri="sip:member.${number}@police.example"/>`;

function groupOf(members: number): string {
  const entries = Array.from({ length: members }, (_, number) => `${entry(number)}\n`).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<group xmlns="${ns.listService}">\n` +
    `<list-service uri="sip:bench@police.example">\n<list>\n${entries}</list>\n` +
    `<oxe:supported-services xmlns:oxe="${ns.omaExtensions}"><oxe:service ` +
    `enabler="urn:urn-7:3gpp-service.ims.icsi.mcptt"/></oxe:supported-services>\n</list-service>\n</group>\n`
  );
}

function entrySelector(number: number, rest = ''): NodeSelector {
  const text = `group/list-service/list/entry[@uri="sip:member.${number}@police.example"]${rest}`;
  return parseNodeSelector(text, new Map(), ns.listService, 32);
}

function measure(members: number, schemas: Schemas): EditCost {
  const { xml: limits } = defaultConfig();
  const text = groupOf(members);
  const bytes = Buffer.from(text);
  const document: GatedText = gateText(text, limits);
  const last = entrySelector(members - 1);
  const fresh = entrySelector(members);
  const note = entrySelector(members - 1, '/@note');
  const body = Buffer.from(entry(members));
  const same = Buffer.from(entry(members - 1));
  const value = Buffer.from('x');
  const inserted = putElement(document, fresh.steps, body, limits).gated.text;
  return {
    members,
    octets: bytes.length,
    getElement: medianTimeOf(() => {
      const selected = locate(document.tree, last);
      if (selected?.kind !== 'element') throw new Error('the last member is not there');
      return text.slice(selected.element.start, selected.element.end);
    }),
    insertElement: medianTimeOf(() => putElement(document, fresh.steps, body, limits)),
    replaceElement: medianTimeOf(() => putElement(document, last.steps, same, limits)),
    putAttribute: medianTimeOf(() => putAttribute(document, note, value, limits)),
    deleteElement: medianTimeOf(() => deleteNode(document, last, limits)),
    validate: medianTimeOf(() => {
      schemas.validate('group', inserted);
    }),
    putDocument: medianTimeOf(() => {
      schemas.validate('group', gateBytes(bytes, limits).text);
    }),
  };
}

/** Measures every size; takes some ten seconds. */
export function measureEdits(): readonly EditCost[] {
  const schemas = Schemas.open(new URL('../../schemas/', import.meta.url));
  return editSizes.map((members) => measure(members, schemas));
}

/** `costs` as a Markdown table: milliseconds per edit, and microseconds per member behind it. */
export function describeEdits(costs: readonly EditCost[]): string {
  const head = ['operation', ...costs.map(({ members }) => `${members} members`)];
  const rows = operations.map((operation) => [
    operation,
    ...costs.map((cost) => {
      const each = cost[operation];
      return `${each.toFixed(4)} ms (${((each * 1000) / cost.members).toFixed(2)} µs)`;
    }),
  ]);
  const sizes = ['octets', ...costs.map(({ octets }) => String(octets))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), line(sizes), ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(describeEdits(measureEdits()));
