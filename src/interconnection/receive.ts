import type { GroupId, SystemName } from '../base/identifiers.js';
import type { Log } from '../base/log.js';
import type { HomeSystems } from '../auth/home-systems.js';
import type { Decision, Documents } from '../documents/documents.js';
import type { DocumentState, Form, Modification, Received, StoredDocument } from '../documents/state.js';
import { admit, judge } from '../documents/validate.js';
import { groupsAuid, nameOfGroup } from '../groups/group-usage.js';
import { storageRefusal } from '../documents/storage-refusal.js';
import { StoreFailure } from '../store/store.js';
import {
  ConstraintFailure,
  Forbidden,
  NotFound,
  PreconditionRequired,
  RequestRefused,
} from '../xcap/errors.js';
import { judgeWrite, type Conditions } from '../xcap/preconditions.js';
import type { ApplicationUsage, Placement } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import type { ScanLimits } from '../xml/scan.js';
import type { Schemas } from '../xml/schemas.js';

import type { ProvisionStep } from './result.js';

/**
 * The partner's side of group configuration for interconnection (TS 23.280 clause 10.2.7): takes what
 * a primary MC system provides, modifies it by policy, and stores received and effective document in
 * one commit. A fetched document (request.ts) goes the same way from the gate on.
 */

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

/** What a successful provision leaves behind. */
export interface Provisioned {
  readonly created: boolean;
  readonly received: Received;
  readonly effective: Form;
}

/** What a policy makes of a received document. */
export interface Derived {
  readonly text: string;
  readonly modifications: readonly Modification[];
}

/** Applies the policies in force. @throws RequestRefused where a policy fails */
export type Derive = (system: SystemName, groupId: GroupId, text: string) => Promise<Derived>;

export interface ReceiveTools {
  readonly documents: Documents;
  readonly homes: HomeSystems;
  readonly schemas: Schemas;
  readonly usage: ApplicationUsage;
  readonly limits: ScanLimits;
  readonly derive: Derive;
  readonly log: Log;
}

/** A document of a primary MC system, and how it came. */
export interface Incoming {
  readonly system: SystemName;
  readonly groupId: GroupId;
  readonly bytes: Uint8Array;
  /** The primary's tag where we fetched, null where it pushed. */
  readonly upstreamETag: string | null;
}

async function at<T>(stage: ProvisionStep, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof RequestRefused) throw new ProvisionRefused(stage, error);
    throw error;
  }
}

export class Receiver {
  readonly #tools: ReceiveTools;

  constructor(tools: ReceiveTools) {
    this.#tools = tools;
  }

  /**
   * Takes a pushed document (clause 10.2.7.2 steps 2 and 3).
   *
   * @throws ProvisionRefused with the stage; the former documents stay as they were
   */
  async provide(incoming: Incoming, conditions: Conditions): Promise<Provisioned> {
    this.#checkHome(incoming.system, incoming.groupId);
    return await this.#store(incoming, (current) => {
      const received = current?.state.received ?? undefined;
      judgeWrite(conditions, { etag: received?.etag, exists: received !== undefined });
      if (received !== undefined && conditions.ifMatch === undefined) {
        throw new PreconditionRequired('a group that is known here is provided again with If-Match only');
      }
      return received;
    });
  }

  /** Stores a fetched document (clause 10.2.7.3 steps 4 and 5), unless a provision came in between. */
  async store(incoming: Incoming): Promise<Provisioned> {
    this.#checkHome(incoming.system, incoming.groupId);
    return await this.#store(incoming, (current) => current?.state.received ?? undefined);
  }

  /**
   * Removes a group that its primary has deleted or no longer shares with us.
   *
   * @throws RequestRefused where it is not that system's to remove
   */
  async withdraw(system: SystemName, groupId: GroupId, conditions: Conditions): Promise<void> {
    this.#checkHome(system, groupId);
    await this.#tools.documents.change(nameOfGroup(groupId), (current): Decision<void> => {
      const received = current?.state.received ?? undefined;
      judgeWrite(conditions, { etag: received?.etag, exists: received !== undefined });
      if (received === undefined) throw new NotFound('this group is not known here');
      return { kind: 'delete', result: undefined };
    });
  }

  /**
   * Derives the effective document anew from the received one, as after a change of policy.
   *
   * @throws ProvisionRefused where the policy fails; the former effective document stays
   */
  async deriveAnew(groupId: GroupId): Promise<void> {
    await this.#tools.documents.change(nameOfGroup(groupId), async (current): Promise<Decision<void>> => {
      const received = current?.state.received ?? undefined;
      if (current === undefined || received === undefined) return { kind: 'keep', result: undefined };
      const { state, placement, form } = await this.#derived(current, groupId, received);
      const unchanged = form.etag === current.state.current?.etag;
      if (unchanged) return { kind: 'keep', result: undefined };
      return { kind: 'put', placement, state, result: () => undefined };
    });
  }

  /** A peer may provide only groups that it is home of (design D6). */
  #checkHome(system: SystemName, groupId: GroupId): void {
    if (this.#tools.homes.homeOf(groupId) !== system) {
      throw new ProvisionRefused(
        'reception',
        new Forbidden('the MC service group is not defined in your MC system'),
      );
    }
  }

  async #store(
    incoming: Incoming,
    admitted: (current: StoredDocument | undefined) => Received | undefined,
  ): Promise<Provisioned> {
    const { documents, limits, log, schemas, usage } = this.#tools;
    const name = nameOfGroup(incoming.groupId);
    const decide = async (current: StoredDocument | undefined): Promise<Decision<Provisioned>> => {
      const { former, document } = await at('reception', () => {
        const before = admitted(current);
        const held = current?.state.current ?? undefined;
        if (held !== undefined && before === undefined) {
          throw new ConstraintFailure('this MC system has a group of its own with that ID');
        }
        const gated = admit(incoming.bytes, limits);
        judge(usage, gated, schemas);
        usage.place(gated, name, current?.names);
        return { former: before, document: gated };
      });
      const effective = current?.state.current ?? undefined;
      if (former?.body === document.text && effective !== undefined) {
        return { kind: 'keep', result: { created: false, received: former, effective } };
      }
      const received: Received = {
        ...documents.newForm(document.text),
        system: incoming.system,
        upstreamETag: incoming.upstreamETag,
        modifications: [],
      };
      const { state, placement, form } = await this.#derived(current, incoming.groupId, received);
      const result = { created: former === undefined, received: state.received ?? received, effective: form };
      return { kind: 'put', placement, state, result: () => result };
    };
    try {
      const provisioned = await documents.change(name, decide);
      log.info({ peer: incoming.system, group: incoming.groupId }, 'group information stored');
      return provisioned;
    } catch (error) {
      if (error instanceof StoreFailure) throw new ProvisionRefused('storage', storageRefusal(error));
      throw error;
    }
  }

  /** Steps 2 and 4: modify by policy, and make sure that the result is a group document still. */
  async #derived(
    current: StoredDocument | undefined,
    groupId: GroupId,
    received: Received,
  ): Promise<{ state: DocumentState; placement: Placement; form: Form }> {
    const { documents, derive, limits, log, schemas, usage } = this.#tools;
    const name = nameOfGroup(groupId);
    return await at('modification', async () => {
      const { text, modifications } = await derive(received.system, groupId, received.body);
      const document: GatedText = admit(Buffer.from(text, 'utf8'), limits);
      judge(usage, document, schemas);
      usage.place(document, name, current?.names);
      const fields = { peer: received.system, group: groupId, modifications: modifications.length };
      log.info(fields, 'group information modified by policy');
      const former = current?.state.current ?? undefined;
      const form = former?.body === text ? former : documents.newForm(text);
      return {
        form,
        placement: { key: name, names: [name] },
        state: {
          auid: groupsAuid,
          current: form,
          received: { ...received, modifications },
          deliveries: {},
        },
      };
    });
  }
}
