import { InsufficientStorage, NotFound, RequestRefused } from '../base/refusals.js';
import {
  CannotDelete,
  CannotInsert,
  ConstraintFailure,
  NoParent,
  NotUtf8,
  NotWellFormed,
  NotXmlAttValue,
  NotXmlFrag,
  SchemaValidationError,
  UniquenessFailure,
  type TakenValue,
} from '../xcap/conflicts.js';
import { MissingParent } from '../xcap/edit.js';
import type { SelectorStep } from '../xcap/node-selector.js';

/** Refusals as plain data, on their way from one thread to another: there an error is no instance of its class. */

/** The refusals that are a phrase and nothing more, by name. */
const plain: Readonly<Record<string, new (phrase: string, detail?: string) => RequestRefused>> = {
  CannotDelete,
  CannotInsert,
  ConstraintFailure,
  InsufficientStorage,
  NotFound,
  NotUtf8,
  NotWellFormed,
  NotXmlAttValue,
  NotXmlFrag,
  SchemaValidationError,
};

/** A refusal in transit. */
export type RefusalData =
  | { readonly name: 'plain'; readonly of: string; readonly phrase: string; readonly message: string }
  | { readonly name: 'no-parent'; readonly phrase: string; readonly ancestor: string | undefined }
  | { readonly name: 'missing-parent'; readonly lastStep: SelectorStep | undefined }
  | { readonly name: 'uniqueness'; readonly phrase: string; readonly taken: readonly TakenValue[] };

/** `error` as data; undefined where it is no refusal that judging a document ends in. */
export function toData(error: unknown): RefusalData | undefined {
  if (error instanceof MissingParent) return { name: 'missing-parent', lastStep: error.lastStep };
  if (error instanceof NoParent) {
    return { name: 'no-parent', phrase: error.phrase, ancestor: error.ancestor };
  }
  if (error instanceof UniquenessFailure) {
    return { name: 'uniqueness', phrase: error.phrase, taken: error.taken };
  }
  if (!(error instanceof RequestRefused) || plain[error.name] === undefined) return undefined;
  return { name: 'plain', of: error.name, phrase: error.phrase, message: error.message };
}

/** The refusal that `data` tells of. */
export function fromData(data: RefusalData): RequestRefused {
  switch (data.name) {
    case 'missing-parent':
      return new MissingParent(data.lastStep);
    case 'no-parent':
      return new NoParent(data.phrase, data.ancestor);
    case 'uniqueness':
      return new UniquenessFailure(data.phrase, data.taken);
    case 'plain': {
      const Refusal = plain[data.of];
      if (Refusal === undefined) throw new TypeError(`no refusal is called ${data.of}`);
      return new Refusal(data.phrase, data.message);
    }
  }
}
