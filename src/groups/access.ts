import type { Principal } from '../auth/principal.js';
import type { Clock } from '../base/clock.js';
import type { Xui } from '../base/identifiers.js';
import { Forbidden } from '../base/refusals.js';
import type { Form } from '../documents/state.js';
import type { NodeSelector } from '../xcap/node-selector.js';
import type { DocumentSelector } from '../xcap/request-uri.js';
import { disclosesMembers } from './member-list.js';
import { readGroup, type GroupReading, type GroupReadings } from './reading.js';
import { isGranted } from './rules.js';

/**
 * Who may do what with group documents (TS 24.481 clause 7.2.12).
 *
 * | who | reads | creates, changes, deletes |
 * |---|---|---|
 * | administrator of our MC system | every group | every group |
 * | MC service server of our MC system | every group | none |
 * | user who is a member | the group without its member list; with it where a rule grants that | none |
 * | user who may create groups, as its `owner` | the group | the group |
 *
 * What peers may do is a matter of the interconnection (TS 23.280 clause 10.2.7).
 */
export interface GroupAccessSettings {
  readonly creationXui: Xui;
  /** Users who may create groups, and then own them. */
  readonly creators: ReadonlySet<string>;
  readonly clock: Pick<Clock, 'now'>;
  readonly readings: Pick<GroupReadings, 'of'>;
}

export class GroupAccess {
  readonly #settings: GroupAccessSettings;

  constructor(settings: GroupAccessSettings) {
    this.#settings = settings;
  }

  /** @throws Forbidden before anything is looked up, where the principal can read no group at all */
  checkRead(principal: Principal): void {
    if (principal.kind === 'nobody') {
      throw new Forbidden('group documents are not for everybody: say who you are');
    }
  }

  /** @throws Forbidden where the principal may know nothing of this group */
  checkReadDocument(principal: Principal, form: Form): void {
    if (principal.kind !== 'user') return;
    const reading = this.#settings.readings.of(form);
    if (this.#owns(principal, reading) || reading.identities.has(principal.identity)) return;
    throw new Forbidden('you are not a member of this MC service group');
  }

  /** @throws Forbidden where the principal may not read this node, or the whole document */
  checkReadNode(principal: Principal, form: Form, node: NodeSelector | undefined): void {
    if (principal.kind !== 'user') return;
    const reading = this.#settings.readings.of(form);
    if (this.#owns(principal, reading) || !disclosesMembers(form.body, reading, node)) return;
    const context = { identity: principal.identity, now: this.#settings.clock.now() };
    if (isGranted(reading.rules, 'on-network-allow-getting-member-list', context)) return;
    throw new Forbidden(
      'no rule of this group lets you get its member list; POST get-excluding-memberlist for the rest',
    );
  }

  /** @throws Forbidden before anything is looked up, where the principal may not write there at all */
  checkWrite(principal: Principal, place: DocumentSelector): void {
    if (principal.kind === 'administrator') return;
    if (principal.kind !== 'user' || !this.#settings.creators.has(principal.identity)) {
      throw new Forbidden(
        'only an administrator, or a user who may create groups, may write group documents',
      );
    }
    if (place.tree === 'users' && place.xui !== this.#settings.creationXui) {
      throw new Forbidden(`groups are created in the users tree of ${this.#settings.creationXui}`);
    }
  }

  /**
   * Called with the text of the document as it was and as it would be.
   *
   * @throws Forbidden where the principal may not change or delete this group, or give it away
   */
  checkWriteDocument(principal: Principal, text: string): void {
    if (principal.kind === 'administrator') return;
    if (this.#mayOwn(principal) && this.#owns(principal, readGroup(text))) return;
    throw new Forbidden('only an administrator or the owner may write this MC service group');
  }

  #owns(principal: Principal, { owner }: GroupReading): boolean {
    return this.#mayOwn(principal) && owner === principal.identity;
  }

  #mayOwn(principal: Principal): principal is Extract<Principal, { kind: 'user' }> {
    return principal.kind === 'user' && this.#settings.creators.has(principal.identity);
  }
}
