import { ns } from '../../src/xml/names.js';
import { groupText } from '../support/peers.js';
import type { Vocabulary } from './load.js';

/** How the documents of each kind are written. */

function vocabulary(
  open: (declarations: string) => string,
  close: string,
  entry: Vocabulary['entry'],
  wrong: string,
): Vocabulary {
  return { open, close, entry, wrong };
}

/** The document element of `text` with further declarations, up to `at`, and what stands behind it. */
function around(text: string, at: RegExp): readonly [(declarations: string) => string, string] {
  const found = at.exec(text);
  if (found === null) throw new Error(`there is no ${at.source}`);
  const before = text.slice(0, found.index + found[0].length);
  const name = /<[A-Za-z][\w:-]*/.exec(before);
  const behind = name === null ? 0 : name.index + name[0].length;
  return [
    (declarations) => before.slice(0, behind) + declarations + before.slice(behind),
    text.slice(found.index + found[0].length),
  ];
}

const memberEntry: Vocabulary['entry'] = (index, attributes = '', content = '') =>
  `<entry uri="sip:u${index}@police.example"${attributes}>${content}</entry>`;

/** A group with one member of each system, and room for more. */
export function groupVocabulary(id: string): Vocabulary {
  const text = groupText({ id }).replace(/<!--[^]*?-->\s*/, '');
  const [open, close] = around(text, /<list>/);
  return vocabulary(open, close, memberEntry, '<entry/>');
}

export const memberList = vocabulary(
  (declarations) => `<list xmlns="${ns.listService}"${declarations}>`,
  '</list>',
  memberEntry,
  '<entry/>',
);

export const resourceLists = vocabulary(
  (declarations) => `<resource-lists xmlns="${ns.resourceLists}"${declarations}><list name="l">`,
  '</list></resource-lists>',
  memberEntry,
  '<entry/>',
);

export const resourceList = vocabulary(
  (declarations) => `<list xmlns="${ns.resourceLists}" name="l"${declarations}>`,
  '</list>',
  memberEntry,
  '<entry/>',
);

export const rlsServices = vocabulary(
  (declarations) => `<rls-services xmlns="${ns.rlsServices}"${declarations}>`,
  '</rls-services>',
  (index, attributes = '', content = '') =>
    `<service uri="sip:s${index}@police.example"${attributes}><list name="l">${content}</list><packages><package>presence</package></packages></service>`,
  '<service/>',
);

export const rlsService = vocabulary(
  (declarations) =>
    `<service xmlns="${ns.rlsServices}" xmlns:rl="${ns.resourceLists}" uri="sip:first@police.example"${declarations}><list name="l">`,
  '</list><packages><package>presence</package></packages></service>',
  (index, attributes = '', content = '') =>
    `<rl:entry uri="sip:u${index}@police.example"${attributes}>${content}</rl:entry>`,
  '<rl:entry/>',
);

const prefixes = ` xmlns:ls="${ns.listService}"`;

export const policy = vocabulary(
  (declarations) => `<policy xmlns="${ns.policy}"${prefixes} id="growth"${declarations}>`,
  '</policy>',
  (index, attributes = '', content = '') =>
    `<template id="t${index}" match="ls:list-service/ls:display-name"${attributes}><description>${content}</description><set value="x"/></template>`,
  '<template/>',
);

/** A policy with this expression in place of what it matches. */
export function policyThatMatches(expression: string): string {
  const escaped = expression.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return `${policy.open('')}<template id="t" match="${escaped}"><set value="x"/></template>${policy.close}`;
}

export const template = vocabulary(
  (declarations) =>
    `<template xmlns="${ns.policy}"${prefixes} id="first" match="ls:list-service/ls:list"${declarations}><insert place="last">`,
  '</insert></template>',
  (index, attributes = '', content = '') =>
    `<ls:entry uri="sip:u${index}@police.example"${attributes}>${content}</ls:entry>`,
  '<ls:entry/>',
);

export const notesNamespace = 'urn:example:shift-notes';

const note: Vocabulary['entry'] = (index, attributes = '', content = '') =>
  `<note key="k${index}"${attributes}>${content}</note>`;

export const notes = vocabulary(
  (declarations) => `<notes xmlns="${notesNamespace}"${declarations}>`,
  '</notes>',
  note,
  '<note/>',
);

export const noteSection = vocabulary(
  (declarations) => `<note xmlns="${notesNamespace}" key="first"${declarations}>`,
  '</note>',
  note,
  '<note/>',
);

export const groupOperation = vocabulary(
  (declarations) => `<document xmlns="${ns.gmop}"${declarations}><request>`,
  '</request></document>',
  (_, attributes = '', content = '') =>
    `<get-excluding-memberlist${attributes}>${content}</get-excluding-memberlist>`,
  '<get-excluding-memberlist><x/></get-excluding-memberlist>',
);

export function resultVocabulary(groupId: string): Vocabulary {
  return vocabulary(
    (declarations) =>
      `<result xmlns="${ns.result}"${declarations}><mc-service-group-id>${groupId}</mc-service-group-id>` +
      '<reception outcome="success"/><modification outcome="success"/><storage outcome="success"/><modifications>',
    '</modifications></result>',
    (index, attributes = '', content = '') =>
      `<modified template="t${index}" path="/group"${attributes}><before>${content}</before><after/></modified>`,
    '<modified/>',
  );
}

/** A Result that says why something failed, with an element of an xcap-error as the reason. */
export function failureVocabulary(groupId: string): Vocabulary {
  return vocabulary(
    (declarations) =>
      `<result xmlns="${ns.result}"${declarations}><mc-service-group-id>${groupId}</mc-service-group-id>` +
      `<provision outcome="failure"><reason phrase="no"><uniqueness-failure xmlns="${ns.xcapError}"><exists field="f">`,
    '</exists></uniqueness-failure></reason></provision></result>',
    (index, attributes = '', content = '') =>
      `<alt-value${attributes}>sip:g${index}@police.example${content}</alt-value>`,
    '<x/>',
  );
}

export function directoryVocabulary(root: string): Vocabulary {
  return vocabulary(
    (declarations) =>
      `<xcap-directory xmlns="${ns.xcapDirectory}"${declarations}><folder auid="org.openmobilealliance.groups">`,
    '</folder></xcap-directory>',
    (index, attributes = '', content = '') =>
      `<entry uri="${root}/org.openmobilealliance.groups/global/byGroupID/sip%3Ag${index}%40police.example" etag="e${index}" last-modified="2026-11-29T00:00:00Z" size="9"${attributes}>${content}</entry>`,
    '<entry/>',
  );
}
