import { shortened } from '../../base/text.js';
import type { Modification } from '../../documents/state.js';
import { buildXml, escapeAttribute, escapeText, type XmlNode } from '../../xml/build.js';
import { ns } from '../../xml/names.js';
import { provisionSteps, type Outcome, type ProvisionStep, type Reason, type Result } from './result.js';

/** Writes a Result (schema `result`), as short as the schema and its reader demand. */

/** Characters of a phrase, as the schema allows. */
const phraseLength = 1000;

/** Modifications that are listed, as the schema allows. */
const modificationsListed = 1000;

/** Of values of modifications, together: a Result must be no longer than what a peer reads of an answer. */
const modificationOctets = 1024 * 1024;

/** The text of a Result document. */
export function writeResult(result: Result): string {
  const children: XmlNode[] = [{ name: 'mc-service-group-id', children: [result.groupId] }];
  if (result.kind === 'request') {
    children.push({
      name: 'provision',
      attributes: { outcome: 'failure' },
      children: [writeReason(result.reason)],
    });
  } else {
    children.push(...provisionSteps.map((step) => writeStep(step, result[step])));
    if (result.modifications !== undefined) {
      children.push(writeModifications(result.modifications, result.omitted ?? 0));
    }
  }
  return buildXml({ name: 'result', namespace: ns.result, children });
}

function writeReason({ phrase, code, element }: Reason): XmlNode {
  const children = element === undefined ? [] : [element];
  return { name: 'reason', attributes: { code, phrase: shortened(phrase, phraseLength) }, children };
}

function writeStep(name: ProvisionStep, step: Outcome): XmlNode {
  const children = step.outcome === 'failure' ? [writeReason(step.reason)] : [];
  return { name, attributes: { outcome: step.outcome }, children };
}

/** The octets that `text` is written with, at most. */
function octetsOf(text: string | null): number {
  return text === null ? 0 : Buffer.byteLength(escapeAttribute(escapeText(text)), 'utf8');
}

/** As many of `modifications` as a Result has room for. */
function fitting(modifications: readonly Modification[]): readonly Modification[] {
  const listed: Modification[] = [];
  let room = modificationOctets;
  for (const modification of modifications.slice(0, modificationsListed)) {
    const { template, path, before, after } = modification;
    room -= octetsOf(template) + octetsOf(path) + octetsOf(before) + octetsOf(after);
    if (room < 0) break;
    listed.push(modification);
  }
  return listed;
}

function writeModifications(modifications: readonly Modification[], omitted: number): XmlNode {
  const listed = fitting(modifications);
  const left = omitted + modifications.length - listed.length;
  const values = (name: string, value: string | null): XmlNode[] =>
    value === null ? [] : [{ name, children: [value] }];
  return {
    name: 'modifications',
    attributes: { omitted: left > 0 ? String(left) : undefined },
    children: listed.map(({ template, path, before, after }) => ({
      name: 'modified',
      attributes: { template, path },
      children: [...values('before', before), ...values('after', after)],
    })),
  };
}
