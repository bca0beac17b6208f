import type { Principal } from '../auth/principal.js';
import { BoundedCache } from '../base/bounded-cache.js';
import type { Clock } from '../base/clock.js';
import { Forbidden } from '../base/refusals.js';
import { sortedBy } from '../base/sliced-sort.js';
import { SingleFlight } from '../base/single-flight.js';
import type { Documents, DocumentSummary } from '../documents/documents.js';
import { terms } from '../documents/index-terms.js';
import type { Form } from '../documents/state.js';
import type { DocumentSelector } from '../xcap/request-uri.js';
import {
  isDirectory,
  writeDirectory,
  type DirectoryEntry,
  type DirectoryFolder,
} from './directory-document.js';
import type { OfferedUsage, OwnDocuments, UsageAccess } from './offered-usage.js';
import { formIn, mostOwnOctets, ownOutcome, weightOf, type OwnOutcome } from './own-writer.js';

/**
 * The directories of OMA XDM: of the users tree of an XUI, and of the global tree. They list documents that
 * clients have put, not those that the server writes itself.
 *
 * With `http.publicRoot` configured, URIs are absolute, as in the examples of OMA XDM Core. Without it they are
 * absolute paths, which mean the same to a client that has just read the directory, and disclose no internal
 * host.
 *
 * Nothing is read from the store but its index. A directory is kept until something is committed, and so is the
 * finding that it is too large.
 */

/** Who may read directories: users their own and the global one, administrators and MC service servers all. */
export const directoryAccess: UsageAccess = {
  checkRead(principal, { tree, xui }) {
    switch (principal.kind) {
      case 'administrator':
      case 'mc-service-server':
        return;
      case 'user':
        if (tree === 'global' || principal.identity === (xui as string | undefined)) return;
        throw new Forbidden('the directory of another user is not yours to read');
      case 'nobody':
      case 'peer':
        throw new Forbidden('directories are not for everybody: say who you are');
    }
  },
  checkReadDocument: () => undefined,
  checkWrite: () => undefined,
};

/** What a directory weighs beside its characters. */
const keptWeight = 1000;

/** How many characters of directories are kept. */
const keptCharacters = 2 * mostOwnOctets;

/** A document under one of its names. */
interface Named {
  readonly name: string;
  readonly summary: DocumentSummary;
}

interface Kept {
  readonly generation: number;
  readonly outcome: OwnOutcome;
}

export interface DirectorySettings {
  readonly documents: Pick<Documents, 'summariesOf' | 'generation'>;
  readonly usages: () => Iterable<OfferedUsage>;
  /** How the XCAP root is written in the URIs of entries. */
  readonly publicRoot: string;
  readonly clock: Pick<Clock, 'turn'>;
}

export class Directories implements OwnDocuments {
  readonly #settings: DirectorySettings;
  readonly #kept = new BoundedCache<string, Kept>(keptCharacters);
  readonly #flights = new SingleFlight<OwnOutcome>();

  constructor(settings: DirectorySettings) {
    this.#settings = settings;
  }

  has(place: DocumentSelector): boolean {
    return isDirectory(place);
  }

  /** @throws InsufficientStorage where the directory would be larger than such a document may be */
  async form(principal: Principal, place: DocumentSelector): Promise<Form> {
    const { documents } = this.#settings;
    const { generation } = documents;
    // Beside the place, a directory depends on the role of the requester, and for a user on the identity.
    const who = principal.kind === 'user' ? `${principal.kind} ${principal.identity}` : principal.kind;
    const key = `${terms.tree(place)} ${who}`;
    const kept = this.#kept.get(key);
    if (kept?.generation === generation) return formIn(kept.outcome);
    // Only those share an attempt who may see the same: nobody reads what was so before the last commit.
    const outcome = await this.#flights.run(`${generation} ${key}`, async () => {
      const made = await ownOutcome(writeDirectory(await this.#folders(principal, place)), this.#settings);
      this.#kept.set(key, { generation, outcome: made }, keptWeight + weightOf(made));
      return made;
    });
    return formIn(outcome);
  }

  async #folders(principal: Principal, place: DocumentSelector): Promise<readonly DirectoryFolder[]> {
    const byUsage = await this.#entries(place);
    const folders: DirectoryFolder[] = [];
    for (const { usage, checkList } of this.#settings.usages()) {
      const { auid } = usage;
      const entries = byUsage.get(encodeURIComponent(auid));
      if (entries === undefined || checkList === undefined) continue;
      const allowed = isAllowed(() => {
        checkList(principal, { ...place, auid });
      });
      folders.push(allowed ? { auid, entries } : { auid, errorCode: '403 Forbidden' });
    }
    return folders.sort((one, other) => (one.auid < other.auid ? -1 : 1));
  }

  /** The documents at `place`, by the first segment of their names. */
  async #entries(place: DocumentSelector): Promise<ReadonlyMap<string, Iterable<DirectoryEntry>>> {
    const found = new Map<string, Named[]>();
    const { clock, documents } = this.#settings;
    const tree = place.xui === undefined ? 'global' : `users/${encodeURIComponent(place.xui)}`;
    for await (const summary of documents.summariesOf(terms.tree(place))) {
      for (const name of summary.names) {
        const [folder = ''] = name.split('/', 1);
        if (!name.startsWith(`${folder}/${tree}/`)) continue;
        const entries = found.get(folder) ?? [];
        entries.push({ name, summary });
        found.set(folder, entries);
      }
    }
    const inOrder = new Map<string, Iterable<DirectoryEntry>>();
    for (const [folder, entries] of found) {
      const sorted = await sortedBy(
        entries,
        ({ name }) => name,
        () => clock.turn(),
      );
      inOrder.set(folder, this.#written(sorted));
    }
    return inOrder;
  }

  /** The entries, each made when it is written. */
  *#written(entries: readonly Named[]): Iterable<DirectoryEntry> {
    for (const { name, summary } of entries) {
      const { etag, modified, size } = summary;
      yield { uri: `${this.#settings.publicRoot}/${name}`, etag, modified, size };
    }
  }
}

function isAllowed(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof Forbidden) return false;
    throw error;
  }
}
