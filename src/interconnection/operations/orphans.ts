import type { Clock } from '../../base/clock.js';
import type { DocumentName, GroupId, SystemName } from '../../base/identifiers.js';
import type { Decision, Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import { groupIdOfName, groupsAuid, nameOfGroup } from '../../groups/names.js';
import { whoseRecord } from '../../groups/whose-record.js';
import type { HomeSystems } from '../../mc-systems/homes.js';

/**
 * Groups whose record came from a system that is not their home, or not any more (design D16): its domain was
 * given to another system, or it is no longer a peer. They stay readable but are no longer kept current. The
 * operator removes them, or their home replaces them.
 */

export interface Orphan {
  readonly groupId: GroupId;
  /** The system that it came from; our own where it was put here and its home is another system now. */
  readonly system: SystemName;
}

/** How many records are read before other work gets a turn. */
const atATime = 1000;

export class Orphans {
  readonly #documents: Documents;
  readonly #homes: HomeSystems;
  readonly #clock: Pick<Clock, 'turn'>;

  constructor(documents: Documents, homes: HomeSystems, clock: Pick<Clock, 'turn'>) {
    this.#documents = documents;
    this.#homes = homes;
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
      if (current?.form === undefined) return { kind: 'keep', result: undefined };
      const source = current.received?.system;
      if (whoseRecord(source, groupId, this.#homes) !== 'orphan') return { kind: 'keep', result: undefined };
      return { kind: 'delete', result: source ?? this.#homes.own };
    });
  }

  #orphanOf(key: DocumentName): Orphan | undefined {
    const source = this.#documents.sourceOf(key);
    const groupId = groupIdOfName(key);
    if (groupId === undefined || whoseRecord(source, groupId, this.#homes) !== 'orphan') return undefined;
    // What is left of a deleted group of ours is for its partners.
    if (source === undefined && !this.#documents.isPresent(key)) return undefined;
    return { groupId, system: source ?? this.#homes.own };
  }
}
