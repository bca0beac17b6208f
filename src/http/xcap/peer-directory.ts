import { BoundedCache } from '../../base/bounded-cache.js';
import type { Clock } from '../../base/clock.js';
import type { GroupId, SystemName } from '../../base/identifiers.js';
import { Forbidden } from '../../base/refusals.js';
import { SingleFlight } from '../../base/single-flight.js';
import type { Documents } from '../../documents/documents.js';
import { terms } from '../../documents/index-terms.js';
import type { Form, StoredDocument } from '../../documents/state.js';
import { groupsUnder } from '../../groups/groups-under.js';
import { groupsAuid, nameOfGroup } from '../../groups/names.js';
import type { GroupReadings } from '../../groups/reading.js';
import { formForPeer } from '../../interconnection/primary/form-for-peer.js';
import { NotProvided } from '../../interconnection/result/not-provided.js';
import type { HomeSystems } from '../../mc-systems/homes.js';
import type { Peer, Peers } from '../../mc-systems/peers.js';
import { isDirectory, writeDirectory, type DirectoryEntry } from '../../usages/directory-document.js';
import { formIn, mostOwnOctets, ownOutcome, weightOf, type OwnOutcome } from '../../usages/own-writer.js';
import { mediaTypes } from '../../xcap/media-types.js';
import { parseConditions } from '../../xcap/preconditions.js';
import type { XcapAnswer, XcapRequest } from '../messages.js';
import { readAnswer } from './representation.js';
import type { Resource } from './resource.js';

/**
 * The directory that a peer reads of the groups it shares with us, so that both can compare what they hold
 * (design D17): those that we hold from it, with the tags of the documents that it provided, and those of ours that
 * it should hold. It lists nothing that the peer could not read as a group, and no tag that it would not see there.
 */

interface Tools {
  readonly documents: Pick<Documents, 'generation' | 'keysOf' | 'look' | 'turn'>;
  readonly readings: GroupReadings;
  readonly homes: HomeSystems;
  readonly peers: Peers;
  readonly clock: Pick<Clock, 'now' | 'turn'>;
  /** The most octets of a directory, where that is less than usual. */
  readonly most?: number;
}

/** How many records are read before other work gets a turn. */
const atATime = 100;

/** How many characters of directories are kept. */
const keptCharacters = mostOwnOctets;

interface Kept {
  readonly generation: number;
  readonly outcome: OwnOutcome;
}

export class PeerDirectory {
  readonly #tools: Tools;
  readonly #publicRoot: string;
  /** Those of each peer until something is committed, or that it is too large. */
  readonly #kept = new BoundedCache<SystemName, Kept>(keptCharacters);
  readonly #flights = new SingleFlight<OwnOutcome>();

  /** @param publicRoot how the XCAP root is written in the URIs of entries */
  constructor(tools: Tools, publicRoot: string) {
    this.#tools = tools;
    this.#publicRoot = publicRoot;
  }

  /**
   * Answers a peer's GET.
   *
   * @throws Forbidden where it is for something else than the directory of the global tree, InsufficientStorage where
   *   that would be larger than such a document may be
   */
  async answer(
    request: Pick<XcapRequest, 'headers'>,
    peer: Peer,
    { place, node }: Pick<Resource, 'place' | 'node'>,
  ): Promise<XcapAnswer> {
    if (place.tree !== 'global' || !isDirectory(place) || node !== undefined) {
      throw new Forbidden('peers read the directory of the global tree, as a whole');
    }
    const conditions = parseConditions(request.headers);
    const form = formIn(await this.#flights.run(peer.name, () => this.#outcome(peer)));
    const body = Buffer.from(form.body, 'utf8');
    const part = { type: mediaTypes.directory, body, lastModified: undefined };
    return readAnswer(conditions, form, part, this.#tools.clock.now());
  }

  async #outcome(peer: Peer): Promise<OwnOutcome> {
    const { generation } = this.#tools.documents;
    const kept = this.#kept.get(peer.name);
    if (kept?.generation === generation) return kept.outcome;
    const pieces = writeDirectory([{ auid: groupsAuid, entries: await this.#entries(peer) }]);
    const outcome = await ownOutcome(pieces, this.#tools);
    this.#kept.set(peer.name, { generation, outcome }, weightOf(outcome));
    return outcome;
  }

  async #entries(peer: Peer): Promise<readonly DirectoryEntry[]> {
    const { clock, documents } = this.#tools;
    const { delivered, parked, pending, receivedFrom } = terms;
    const each = [receivedFrom, delivered, parked, pending].map((term) => term(peer.name));
    const entries: DirectoryEntry[] = [];
    for (const [index, groupId] of (await groupsUnder(documents, ...each)).entries()) {
      if (index % atATime === atATime - 1) await clock.turn();
      const name = nameOfGroup(groupId);
      const form = this.#formFor(peer, groupId, await documents.look(name));
      if (form === undefined) continue;
      const { etag, modified, body } = form;
      entries.push({
        uri: `${this.#publicRoot}/${name}`,
        etag,
        modified,
        size: Buffer.byteLength(body, 'utf8'),
      });
    }
    return entries;
  }

  /** What the peer would read of the group. Judged by what is recorded: no document is parsed for a list. */
  #formFor(
    { name: system, answer }: Peer,
    groupId: GroupId,
    stored: StoredDocument | undefined,
  ): Form | undefined {
    if (stored?.received === undefined) {
      return answer && stored?.state.deliveries[system]?.hold === true ? stored.form : undefined;
    }
    try {
      return formForPeer(system, groupId, stored, this.#tools);
    } catch (error) {
      if (error instanceof NotProvided) return undefined;
      throw error;
    }
  }
}
