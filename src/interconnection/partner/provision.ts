import type { GroupId, SystemName } from '../../base/identifiers.js';
import { RequestRefused } from '../../base/refusals.js';
import type { Form, Received } from '../../documents/state.js';
import type { ProvisionStep } from '../result/result.js';

/** What a provision is made of at the partner: what comes in, what it leaves behind, where it fails. */

/** A document of a primary MC system, and how it came. */
export interface Incoming {
  readonly system: SystemName;
  readonly groupId: GroupId;
  readonly bytes: Uint8Array;
  /** The primary's tag where we fetched, null where it pushed. */
  readonly upstreamETag: string | null;
  /**
   * Which withdrawal of the group the primary knows to be the last: its tag as a field value, or `none`. Left
   * out where it does not say, or where the group was fetched.
   */
  readonly follows?: string;
  /** Tells when the primary waits for the result no more. */
  readonly gone?: (() => AbortSignal) | undefined;
}

/** What a successful provision leaves behind. */
export interface Provisioned {
  readonly created: boolean;
  readonly received: Received;
  readonly effective: Form;
}

/** A provision that failed at `stage`; `refusal` says why in the protocol's terms. */
export class ProvisionRefused extends RequestRefused {
  readonly stage: ProvisionStep;
  readonly refusal: RequestRefused;

  constructor(stage: ProvisionStep, refusal: RequestRefused) {
    super(refusal.phrase, `${stage}: ${refusal.message}`);
    this.stage = stage;
    this.refusal = refusal;
  }

  get status(): number {
    return this.refusal.status;
  }

  override get headers(): Readonly<Record<string, string>> {
    return this.refusal.headers;
  }
}

/** What the log says of a document that could not be derived anew. @param error why, as it was thrown */
export function notDerived(error: unknown): { readonly isFinal: boolean; readonly message: string } {
  // A failure that is not this document's, such as a full disk, may be gone the next time.
  const isFinal = error instanceof ProvisionRefused && error.status < 500;
  const what = isFinal ? 'the policy fails' : 'the policy could not be applied at present';
  return { isFinal, message: `${what}: former document stays` };
}

/** Runs one step. A refusal is thrown as that of a provision at `stage`, for the Result to tell. */
export async function at<T>(stage: ProvisionStep, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof RequestRefused) throw new ProvisionRefused(stage, error);
    throw error;
  }
}
