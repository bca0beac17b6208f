import { holderOf, type Principal } from '../../auth/principal.js';
import { BoundedCache, entryWeight, weightOfText } from '../../base/bounded-cache.js';
import type { Clock } from '../../base/clock.js';
import { OneAtATime } from '../../base/one-at-a-time.js';
import { Forbidden, NotFound } from '../../base/refusals.js';
import type { Documents } from '../../documents/documents.js';
import type { Form } from '../../documents/state.js';
import { groupIdOfName, groupsAuid } from '../../groups/names.js';
import type { Requester } from '../../interconnection/partner/requester.js';
import { formatHttpDate } from '../../xcap/http-date.js';
import { cutOut, type Part } from './representation.js';
import type { Resource } from './resource.js';
import { checkSelectable } from './selectable.js';

/** The work of the steps of a GET: the document that a requester may read, and the part of it that is sent. */

/** Bytes of memory that a kept node takes beside its octets. */
const partWeight = 400;

/** How many octets are kept of nodes that were cut out of documents, and the most of one of them. */
const keptPartOctets = 8 * 1024 * 1024;
const largestKeptPart = 64 * 1024;

interface Tools {
  readonly documents: Documents;
  readonly requester: Pick<Requester, 'fetch'>;
  readonly clock: Pick<Clock, 'turn' | 'monotonic' | 'schedule'>;
}

export class Reader {
  readonly #tools: Tools;
  readonly #large: OneAtATime<string>;
  readonly #parts = new BoundedCache<string, Part>(keptPartOctets);

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#large = new OneAtATime(tools.clock);
  }

  /**
   * What `use` makes of the form that `principal` reads under the name of `resource`; a group of another MC system
   * that is not here is fetched.
   *
   * @throws NotFound, Forbidden, BadGateway, ServiceUnavailable, InsufficientStorage
   */
  async read<T>(principal: Principal, resource: Resource, use: (form: Form) => T | Promise<T>): Promise<T> {
    const { documents } = this.#tools;
    const { own } = resource.offered;
    if (own?.has(resource.place) === true) {
      const form = await own.form(principal, resource.place);
      if (resource.node !== undefined) checkSelectable(form.body);
      return await use(form);
    }
    let form = (await documents.find(resource.name))?.form;
    if (form === undefined) {
      await this.#fetch(principal, resource);
      form = (await documents.find(resource.name))?.form;
      // A document that lists no user of this system is not stored, and was not meant for the requester.
      if (form === undefined) throw new Forbidden('you are not a member of this MC service group');
    }
    const found = form;
    return await this.inTurn(principal, found, () => {
      resource.offered.access.checkReadDocument(principal, found);
      return use(found);
    });
  }

  /** TS 23.280 clause 10.2.7.3: asks the primary. @throws NotFound, BadGateway, ServiceUnavailable */
  async #fetch(principal: Principal, resource: Resource): Promise<void> {
    const groupId = resource.usage.auid === groupsAuid ? groupIdOfName(resource.name) : undefined;
    // Who may cause a fetch (design D16): users of this MC system and its MC service servers.
    const asker = principal.kind === 'user' || principal.kind === 'mc-service-server' ? principal : undefined;
    if (groupId === undefined || asker === undefined) throw new NotFound('there is no such document');
    await this.#tools.requester.fetch(groupId, asker);
  }

  /**
   * The result of `work` on `form`, which waits for its turn where that is large: what it takes to find what may be
   * read, and where it stands, grows with the document and not with the answer.
   */
  async inTurn<T>(principal: Principal, { body }: Form, work: () => T | Promise<T>): Promise<T> {
    return await this.#large.runSized(holderOf(principal), body.length, work);
  }

  /** @throws Forbidden where the principal may not read the node, or the whole document */
  checkNode(principal: Principal, { offered, node }: Resource, form: Form): void {
    offered.access.checkReadNode?.(principal, form, node);
  }

  /** What a GET of `resource` sends (RFC 4825 clause 8.3). @throws NotFound */
  partOf(form: Form, { node, usage }: Resource, target: string): Part {
    const { documents } = this.#tools;
    const isDated = form.modified !== 0;
    if (node === undefined) {
      const lastModified = isDated ? documents.lastModifiedOf(form) : undefined;
      return { type: usage.mediaType, body: documents.bytesOf(form), lastModified };
    }
    // An entity tag is never used twice: what was cut out of a form under a target stays right for good.
    const key = `${form.etag} ${target}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const lastModified = isDated ? formatHttpDate(form.modified) : undefined;
    const part = { ...cutOut(form.body, node), lastModified };
    if (part.body.length <= largestKeptPart)
      this.#parts.set(key, part, entryWeight + partWeight + weightOfText(key) + part.body.length);
    return part;
  }
}
