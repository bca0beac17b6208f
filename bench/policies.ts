import { fileURLToPath } from 'node:url';
import type { GroupId, SystemName } from '../src/base/identifiers.js';
import { defaultConfig } from '../src/gms/config.js';
import { derive, type ReceivedDocument } from '../src/policy/derive.js';
import { type Policy } from '../src/policy/language/policy.js';
import { parsePolicy } from '../src/policy/language/read-policy.js';
import { ns } from '../src/xml/names.js';
import { gateText } from '../src/xml/gate.js';
import { Schemas } from '../src/xml/schemas.js';
import { medianTimeOf } from './statistics.js';

/**
 * What the policies of a partner cost by the size of the group: it must grow with the document and not
 * faster. Network, disk and the way to the worker are left out. `node dist/bench/policies.js` runs it by
 * itself.
 */

/** Members of the groups that are measured. */
export const policySizes: readonly number[] = [8, 300, 2000];

/** One policy applied to groups of growing size. */
export interface PolicyCost {
  readonly what: string;
  /** Median milliseconds, in the order of the sizes. */
  readonly milliseconds: readonly number[];
}

const domains = ['police.example', 'fire.example', 'port.example'] as const;

function groupOf(members: number): string {
  const entries = Array.from({ length: members }, (_, number) => {
    const uri = `sip:member.${number}@${domains[number % domains.length] ?? ''}`;
    return (
      `      <entry uri="${uri}">\n        <rl:display-name>Member ${number}</rl:display-name>\n` +
      `        <mcpttgi:user-priority>${number % 256}</mcpttgi:user-priority>\n      </entry>\n`
    );
  }).join('');
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<group xmlns="${ns.listService}" xmlns:rl="${ns.resourceLists}" ` +
    `xmlns:mcpttgi="${ns.mcpttGroupInfo}" xmlns:oxe="${ns.omaExtensions}">\n` +
    `  <list-service uri="sip:bench@police.example">\n    <list>\n${entries}    </list>\n` +
    `    <mcpttgi:on-network-group-priority>9</mcpttgi:on-network-group-priority>\n` +
    `    <oxe:supported-services><oxe:service enabler="urn:urn-7:3gpp-service.ims.icsi.mcptt"/>` +
    `</oxe:supported-services>\n  </list-service>\n</group>\n`
  );
}

/** Templates, each named by what it does. */
const templates: readonly (readonly [string, string])[] = [
  [
    'one value clamped',
    '<template id="t" match="//mcpttgi:on-network-group-priority"><clamp max="6"/></template>',
  ],
  [
    "every member's priority lowered",
    '<template id="t" match="//ls:entry/mcpttgi:user-priority"><lower by="1"/></template>',
  ],
  [
    "every member's name set by an expression",
    `<template id="t" match="//ls:entry/rl:display-name"><set select="concat(., ' of ', substring-after(../@uri, '@'))"/></template>`,
  ],
  [
    'members of two systems kept',
    `<template id="t" match="//ls:list"><keep select="ls:entry" test="contains(@uri, '@police.') or contains(@uri, '@fire.')"/></template>`,
  ],
  [
    'an element inserted in every member',
    '<template id="t" match="//ls:entry"><insert place="first"><mcpttgi:participant-type>guest</mcpttgi:participant-type></insert></template>',
  ],
  [
    'an element inserted behind every member',
    '<template id="t" match="//ls:entry"><insert place="after"><ls:entry uri="sip:extra@fire.example"/></insert></template>',
  ],
  [
    'two kinds of nodes joined and removed',
    '<template id="t" match="//ls:entry/rl:display-name | //ls:entry/mcpttgi:user-priority"><remove/></template>',
  ],
  [
    'a condition that looks at every member',
    `<applies-to><condition test="//ls:entry[contains(@uri, 'nobody')]"/></applies-to>` +
      '<template id="t" match="//ls:entry"><remove/></template>',
  ],
];

function policyOf(content: string): Policy {
  return parsePolicy(
    `<policy xmlns="${ns.policy}" xmlns:ls="${ns.listService}" xmlns:rl="${ns.resourceLists}" ` +
      `xmlns:mcpttgi="${ns.mcpttGroupInfo}" id="bench">${content}</policy>`,
  );
}

/** Measures every policy on every size; takes some eight seconds. */
export function measurePolicies(): readonly PolicyCost[] {
  const { xml: limits } = defaultConfig();
  const schemas = Schemas.open(new URL('../../schemas/', import.meta.url));
  const groups = policySizes.map((members): ReceivedDocument => {
    const text = groupOf(members);
    schemas.validate('group', text);
    return { system: 'bench' as SystemName, groupId: 'sip:bench@police.example' as GroupId, text };
  });
  const costs = templates.map(([what, content]): PolicyCost => {
    const policies = [policyOf(content)];
    return { what, milliseconds: groups.map((group) => medianTimeOf(() => derive(group, policies, limits))) };
  });
  const judged = groups.map(({ text }) =>
    medianTimeOf(() => {
      schemas.validate('group', gateText(text, limits).text);
    }),
  );
  return [...costs, { what: 'for comparison: gate and schema alone', milliseconds: judged }];
}

/** `costs` as a Markdown table: milliseconds, and microseconds per member behind them. */
export function describePolicies(costs: readonly PolicyCost[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = ['policy', ...policySizes.map((members) => `${members} members`)];
  const rows = costs.map(({ what, milliseconds }) => [
    what,
    ...milliseconds.map((each, index) => {
      const perMember = (each * 1000) / (policySizes[index] ?? NaN);
      return `${each.toFixed(3)} ms (${perMember.toFixed(1)} µs)`;
    }),
  ]);
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(describePolicies(measurePolicies()));
