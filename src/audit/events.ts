import { shortened } from '../base/text.js';

/**
 * What the server reports of its own work, for the audit log and the operator's counters: one event for
 * each thing that has happened, reported once it is durable. Events hold names, tags, numbers
 * and reasons; never a token, a body or a part of a document.
 */

/** The party that caused an event. */
export interface Actor {
  /** The kind of principal, such as `administrator` or `peer`. */
  readonly by: string;
  readonly identity: string | null;
}

export type AuditEvent =
  | { readonly event: 'start' | 'stop'; readonly system: string }
  /** A document was put or deleted, wholly or in part, by a client. */
  | (Actor & {
      readonly event: 'write';
      readonly method: string;
      readonly document: string;
      /** The node selector as it stood in the request, null for the whole document. */
      readonly node: string | null;
      readonly before: string | null;
      readonly after: string | null;
      readonly status: number;
    })
  /** A primary's document was stored; `before` and `tag` are tags of the received form. */
  | {
      readonly event: 'received';
      readonly peer: string;
      readonly group: string;
      readonly before: string | null;
      readonly tag: string;
    }
  /** A received document is no longer held. */
  | { readonly event: 'removed'; readonly peer: string; readonly group: string; readonly tag: string }
  /** The policies made an effective document; `templates` are those that made modifications. */
  | {
      readonly event: 'policy';
      readonly peer: string;
      readonly group: string;
      readonly tag: string;
      readonly templates: readonly string[];
      readonly modifications: number;
    }
  /** A peer's provision or withdrawal was refused. */
  | {
      readonly event: 'refused';
      readonly peer: string;
      readonly group: string;
      readonly method: string;
      readonly status: number;
      readonly stage: string | null;
      readonly reason: string;
    }
  /** A partner has acknowledged a form of an own group. */
  | {
      readonly event: 'delivered';
      readonly peer: string;
      readonly group: string;
      readonly tag: string;
      readonly status: number | null;
    }
  /** A partner has acknowledged that it holds an own group no more. */
  | {
      readonly event: 'withdrawn';
      readonly peer: string;
      readonly group: string;
      readonly status: number | null;
    }
  | {
      readonly event: 'parked' | 'not-delivered';
      readonly peer: string;
      readonly group: string;
      readonly tag: string | null;
      readonly status: number | null;
      readonly reason: string;
    }
  /** The operator has dropped what a partner was owed of a group. */
  | { readonly event: 'forgotten'; readonly peer: string; readonly group: string }
  /** An operation that the operator asked for, with its outcome. */
  | (Actor & {
      readonly event: 'operation';
      readonly operation: string;
      readonly peer: string | null;
      readonly group: string | null;
      readonly outcome: string;
    })
  /** What is stored of someone, or in all, has reached the part of its quota at which the operator is warned. */
  | {
      readonly event: 'quota';
      readonly part: string;
      /** The XUI, user or peer; null for everything. */
      readonly of: string | null;
      readonly documents: number;
      readonly octets: number;
    }
  /** Refusals of one peer that came too fast to be written down one by one. */
  | { readonly event: 'refused-more'; readonly peer: string; readonly events: number }
  /** Events that could not be written down. */
  | { readonly event: 'lost'; readonly events: number };

/** Takes an event. Must return at once and not throw. */
export type Tell = (event: AuditEvent) => void;

/** The longest text that is kept of one value, in UTF-16 code units. */
const longestText = 2001;

/** Characters that a terminal acts on, or that turn text around. JSON itself escapes those below U+0020. */
const unsafe = /[\u007f-\u009f]|\p{Cf}|[\u2028\u2029]/gu;

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
}

function kept(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? shortened(value, longestText) : value;
}

/** `event` as one line of JSON without its line break. Nothing in a value can leave its string. */
export function auditLine(time: number, event: AuditEvent): string {
  const line = JSON.stringify({ time: new Date(time).toISOString(), ...event }, kept);
  return line.replace(unsafe, escaped);
}
