import { RequestRefused } from '../../base/refusals.js';

/**
 * Why a group is not provided to a peer that asks for it (TS 23.280 table 10.2.2.w-1, the reason). Statuses
 * alone cannot tell: a proxy says 404 as well, and 403 has several meanings. So the Result carries one of
 * these codes, and only the codes of `endings` make a partner remove its copy (design D16).
 */

/** The codes, with the status of the answer that carries them. */
export const statusOfCode = {
  /** The group was deleted. */
  deleted: 410,
  /** It concerned the peer once, and does no more. */
  'no-longer-shared': 410,
  /** It is there, and never concerned the peer. */
  'not-shared': 403,
  /** The peer's requests are not answered, whatever they ask for (`peers[].answer`). */
  'not-answered': 403,
  /** It is defined in another MC system. */
  'another-home': 403,
  /** No such group is known; that it was there is not remembered either. */
  unknown: 404,
} as const;

export type RefusalCode = keyof typeof statusOfCode;

/** The codes with which a primary says that a peer is to hold the group no more. */
export const endings: ReadonlySet<RefusalCode> = new Set(['deleted', 'no-longer-shared', 'not-shared']);

export function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(statusOfCode, text);
}

const phrases: Readonly<Record<RefusalCode, string>> = {
  deleted: 'the MC service group was deleted',
  'no-longer-shared': 'the MC service group is no longer shared with your MC system',
  'not-shared': 'the MC service group is not shared with your MC system',
  'not-answered': 'group information is not provided to your MC system',
  'another-home': 'the MC service group is defined in another MC system',
  unknown: 'there is no such group',
};

/** The group information request of a peer is refused. */
export class NotProvided extends RequestRefused {
  readonly status: (typeof statusOfCode)[RefusalCode];
  readonly code: RefusalCode;

  constructor(code: RefusalCode, phrase = phrases[code]) {
    super(phrase);
    this.status = statusOfCode[code];
    this.code = code;
  }
}
