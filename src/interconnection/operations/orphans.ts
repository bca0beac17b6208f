import { sortedBy } from '../../base/sliced-sort.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import type { Decision, Documents, IndexEntry } from '../../documents/documents.js';
import { readSource, readSummary, terms } from '../../documents/index-terms.js';
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

export class Orphans {
  readonly #documents: Documents;
  readonly #homes: HomeSystems;

  constructor(documents: Documents, homes: HomeSystems) {
    this.#documents = documents;
    this.#homes = homes;
  }

  /** All of them, by group ID. Reads no record. */
  async list(): Promise<readonly Orphan[]> {
    const orphans = new Map<GroupId, Orphan>();
    for await (const entry of this.#documents.entriesOf(terms.usage(groupsAuid))) {
      const orphan = this.#orphanOf(entry);
      if (orphan !== undefined) orphans.set(orphan.groupId, orphan);
    }
    return await sortedBy(
      [...orphans.values()],
      ({ groupId }) => groupId,
      () => this.#documents.turn(),
    );
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

  #orphanOf({ key, terms: carried }: IndexEntry): Orphan | undefined {
    const source = readSource(carried);
    const groupId = groupIdOfName(key);
    if (groupId === undefined || whoseRecord(source, groupId, this.#homes) !== 'orphan') return undefined;
    // What is left of a deleted group of ours is for its partners.
    if (source === undefined && readSummary(carried) === undefined) return undefined;
    return { groupId, system: source ?? this.#homes.own };
  }
}
