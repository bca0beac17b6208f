/** The documents of a simulation: groups whose display-name tells their version, and policies. */

export function systemName(index: number): string {
  return `s${index}`;
}

export function domainOf(index: number): string {
  return `${systemName(index)}.example`;
}

export function identityOf(index: number, user: 'admin' | 'gms' | 'server' | 'unit' | 'clerk'): string {
  return `sip:${user}@${domainOf(index)}`;
}

/** The name of the system that asserts `identity`; any other text comes back. */
export function systemOfIdentity(identity: string): string {
  return /^sip:gms@(s\d+)\.example$/.exec(identity)?.[1] ?? identity;
}

/** The root of a system's URLs, and where its XCAP root is. */
export function originOf(index: number): string {
  return `http://${systemName(index)}.invalid`;
}

export function rootOf(index: number): string {
  return `${originOf(index)}/xcap-root`;
}

/** The ID of a group that is defined in system `home`. */
export function groupIdOf(home: number, number: number): string {
  return `sip:group-${number}@${domainOf(home)}`;
}

/** The ID of the group that a URL names, if it names one. */
export function groupIdOfUrl(url: string): string | undefined {
  const segment = /\/byGroupID\/([^/?]+)$/.exec(url)?.[1];
  return segment === undefined ? undefined : decodeURIComponent(segment);
}

export interface GroupContent {
  readonly groupId: string;
  readonly version: number;
  /** Systems of which a user is a member. */
  readonly members: readonly number[];
  readonly priority: number;
}

function displayName(version: number): string {
  return `<display-name xml:lang="en">Version ${version}</display-name>`;
}

export function groupText({ groupId, version, members, priority }: GroupContent): string {
  const entries = members.map((index) => `<entry uri="${identityOf(index, 'unit')}"/>`);
  return `<?xml version="1.0" encoding="UTF-8"?>
<group xmlns="urn:oma:xml:poc:list-service"
       xmlns:rl="urn:ietf:params:xml:ns:resource-lists"
       xmlns:cp="urn:ietf:params:xml:ns:common-policy"
       xmlns:oxe="urn:oma:xml:xdm:extensions"
       xmlns:mcpttgi="urn:3gpp:ns:mcpttGroupInfo:1.0">
  <list-service uri="${groupId}">
    ${displayName(version)}
    <list>${entries.join('')}</list>
    <cp:ruleset>
      <cp:rule id="members">
        <cp:conditions><is-list-member/></cp:conditions>
        <cp:actions>
          <allow-initiate-conference>true</allow-initiate-conference>
          <join-handling>true</join-handling>
          <mcpttgi:on-network-allow-getting-member-list>true</mcpttgi:on-network-allow-getting-member-list>
        </cp:actions>
      </cp:rule>
    </cp:ruleset>
    <oxe:supported-services>
      <oxe:service enabler="urn:urn-7:3gpp-service.ims.icsi.mcptt">
        <oxe:group-media><mcpttgi:mcptt-speech/></oxe:group-media>
      </oxe:service>
    </oxe:supported-services>
    <mcpttgi:on-network-group-priority>${priority}</mcpttgi:on-network-group-priority>
  </list-service>
</group>
`;
}

/** The element that an edit by node puts, and the document after it. */
export function editedText(
  text: string,
  version: number,
): { readonly element: string; readonly text: string } {
  const element = displayName(version);
  return { element, text: text.replace(/<display-name [^]*?<\/display-name>/, element) };
}

/** The version that a received or effective document tells. */
export function versionOf(text: string): number {
  const told = /<display-name[^>]*>[^<]*Version (\d+)/.exec(text)?.[1];
  if (told === undefined) throw new Error(`a document without a version: ${text}`);
  return Number(told);
}

/** Whether a user of system `index` is a member. */
export function listsMemberOf(text: string, index: number): boolean {
  return text.includes(`<entry uri="${identityOf(index, 'unit')}"/>`);
}

/** The priority with which no `fussy` policy can be applied. */
export const unluckyPriority = 13;

export const policyKinds = ['clamp', 'lower', 'rename', 'guests-only', 'fussy', 'one-system'] as const;
export type PolicyKind = (typeof policyKinds)[number];

const priority = 'ls:list-service/mcpttgi:on-network-group-priority';

/** @param index the system whose policy it is; @param number makes two policies of a kind differ */
export function policyText(kind: PolicyKind, index: number, number: number): string {
  const body = ((): string => {
    switch (kind) {
      case 'clamp':
        return `<template id="t" match="${priority}"><clamp max="${1 + (number % 12)}"/></template>`;
      case 'lower':
        return `<template id="t" match="${priority}[. > ${number % 10}]"><set value="${number % 10}"/></template>`;
      case 'rename':
        return '<template id="t" match="ls:list-service/ls:display-name"><set select="concat(\'Guest: \', .)"/></template>';
      case 'guests-only':
        return `<template id="t" match="ls:list-service/ls:list"><keep select="ls:entry" test="contains(@uri, '@${domainOf(index)}')"/></template>`;
      case 'fussy':
        return `<template id="t" match="${priority}[. = ${unluckyPriority}]"><set value="very high"/></template>`;
      case 'one-system':
        return `<applies-to><system name="${systemName(number % 3)}"/></applies-to><template id="t" match="${priority}"><clamp max="2"/></template>`;
    }
  })();
  return `<?xml version="1.0" encoding="UTF-8"?>
<policy xmlns="urn:mcgms:ns:interconnection-policy:1" xmlns:ls="urn:oma:xml:poc:list-service"
        xmlns:mcpttgi="urn:3gpp:ns:mcpttGroupInfo:1.0" id="${kind}-${number}">${body}</policy>
`;
}
