import type { Clock } from '../base/clock.js';
import { SlicedDigest } from '../base/digest.js';
import type { ETag } from '../base/identifiers.js';
import { InsufficientStorage } from '../base/refusals.js';
import type { Form } from '../documents/state.js';

/**
 * Documents that the server writes itself out of many others (design D21). Their octets are counted while they
 * are written, and between slices everybody else has a turn, however many documents they are about.
 */

/** The most octets of one document that the server writes itself. */
export const mostOwnOctets = 32 * 1024 * 1024;

/** After how many characters, or pieces, others have a turn. */
const sliceCharacters = 256 * 1024;
const slicePieces = 1000;

interface WriterSettings {
  readonly clock: Pick<Clock, 'turn'>;
  /** In octets; `mostOwnOctets` where it is not given. */
  readonly most?: number;
}

/**
 * The form whose text is all of `pieces`, none of which ends within a character. The same text has the same tag
 * as `ownForm` gives it.
 *
 * @throws InsufficientStorage as soon as there are more octets than `most`
 */
export async function writeOwnForm(
  pieces: Iterable<string> | AsyncIterable<string>,
  { clock, most = mostOwnOctets }: WriterSettings,
): Promise<Form> {
  const digest = new SlicedDigest();
  const slices: string[] = [];
  let octets = 0;
  let slice: string[] = [];
  let characters = 0;
  const endSlice = (): void => {
    const text = slice.join('');
    const bytes = Buffer.from(text, 'utf8');
    octets += bytes.length;
    if (octets > most) throw tooLarge(most);
    digest.add(bytes);
    slices.push(text);
    slice = [];
    characters = 0;
  };
  for await (const piece of pieces) {
    slice.push(piece);
    characters += piece.length;
    // A character has one octet at least, so that no slice needs to be made of what is too much anyway.
    if (octets + characters > most) throw tooLarge(most);
    if (characters < sliceCharacters && slice.length < slicePieces) continue;
    endSlice();
    await clock.turn();
  }
  endSlice();
  return { etag: digest.end() as ETag, body: slices.join(''), modified: 0 };
}

/** What came of writing such a document: a refusal is kept like a form, or each request would write it again. */
export type OwnOutcome = Form | InsufficientStorage;

/** `writeOwnForm`, with its refusal returned. */
export async function ownOutcome(
  pieces: Iterable<string> | AsyncIterable<string>,
  settings: WriterSettings,
): Promise<OwnOutcome> {
  try {
    return await writeOwnForm(pieces, settings);
  } catch (error) {
    if (error instanceof InsufficientStorage) return error;
    throw error;
  }
}

/** The form of `outcome`. @throws InsufficientStorage where it is none */
export function formIn(outcome: OwnOutcome): Form {
  if (outcome instanceof InsufficientStorage) throw outcome;
  return outcome;
}

/** What it weighs to keep `outcome`, in characters. */
export function weightOf(outcome: OwnOutcome): number {
  return outcome instanceof InsufficientStorage ? outcome.message.length : outcome.body.length;
}

function tooLarge(most: number): InsufficientStorage {
  return new InsufficientStorage(`the document would be larger than ${most} octets`);
}
