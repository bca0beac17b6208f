import type { Clock } from '../../base/clock.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { Decision, Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../../groups/names.js';
import type { Peers } from '../../mc-systems/peers.js';

/**
 * Groups that were received from an MC system that is no longer a peer (design D16). They stay readable but
 * are no longer kept current. The operator removes them.
 */

export interface Orphan {
  readonly groupId: GroupId;
  /** The system that it was received from. */
  readonly system: SystemName;
}

/** How many records are read before other work gets a turn. */
const atATime = 1000;

export class Orphans {
  readonly #documents: Documents;
  readonly #peers: Peers;
  readonly #clock: Pick<Clock, 'turn'>;

  constructor(documents: Documents, peers: Peers, clock: Pick<Clock, 'turn'>) {
    this.#documents = documents;
    this.#peers = peers;
    this.#clock = clock;
  }

  /** All of them, by group ID. Answers from memory. */
  async list(): Promise<readonly Orphan[]> {
    const orphans: Orphan[] = [];
    for (const [index, key] of this.#documents.keysOf(terms.usage(groupsAuid)).entries()) {
      if (index % atATime === atATime - 1) await this.#clock.turn();
      const orphan = this.#orphanOf(key);
      if (orphan !== undefined) orphans.push(orphan);
    }
    return orphans.sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  }

  /**
   * Removes one; MC service servers are informed as of any deletion.
   *
   * @returns the system that it came from, or undefined where the group is no orphan
   */
  async remove(groupId: GroupId): Promise<SystemName | undefined> {
    return await this.#documents.change(nameOfGroup(groupId), (current): Decision<SystemName | undefined> => {
      const system = current?.received?.system;
      if (system === undefined || this.#peers.has(system)) return { kind: 'keep', result: undefined };
      return { kind: 'delete', result: system };
    });
  }

  #orphanOf(key: DocumentName): Orphan | undefined {
    const system = this.#documents.sourceOf(key);
    const groupId = groupIdOfName(key);
    if (system === undefined || groupId === undefined || this.#peers.has(system)) return undefined;
    return { groupId, system };
  }
}
