import type { Log } from '../base/log.js';
import type { GroupId } from '../base/identifiers.js';
import { toGroupId, toMcServiceId } from '../base/uri.js';
import { principalOf, type KnownIdentities } from '../auth/asserted-identity.js';
import type { Documents } from '../documents/documents.js';
import type { Requester } from '../interconnection/partner/requester.js';
import { prepareGroups } from '../interconnection/partner/prepare-groups.js';
import { BadRequest, Forbidden, MethodNotAllowed } from '../base/refusals.js';
import { originForm } from '../xcap/request-uri.js';
import { refusalAnswer } from './errors.js';
import { framed, notStored } from './frame.js';
import { checkMediaType } from './media-type.js';
import { assertedIdentity, type RequestHandler, type XcapAnswer, type XcapRequest } from './messages.js';

/**
 * An MC service server of this MC system tells that a user has become service authorised, and which groups
 * the user profile names (TS 23.280 clause 10.2.7.3, preconditions 2 and 3). No standard defines the message;
 * here it is JSON:
 *
 *   POST {"user": "sip:boat-1@fire.example", "groups": ["sip:river-rescue@police.example"]}
 *   200  {"groups": [{"group": "sip:river-rescue@police.example", "state": "fetched"}]}
 *
 * The states are those of GroupReadiness. The answer comes when the state of every group is known, at the
 * latest after `interconnection.fetchDeadline` for each eighth group that has to be fetched.
 */

interface Tools {
  readonly documents: Documents;
  readonly requester: Requester;
  readonly known: KnownIdentities;
  readonly log: Log;
}

const jsonType = 'application/json';

/** Groups of one user; profiles hold far fewer. */
const mostGroups = 1000;

/** The path of these messages, outside the XCAP root. */
export const serviceAuthorisationsPath = '/service-authorisations';

export class ServiceAuthorisations implements RequestHandler {
  /** Answers any request to the path; never throws. */
  readonly handle: RequestHandler['handle'];
  readonly #tools: Tools;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.handle = framed((request) => this.#answer(request), {
      write: refusalAnswer,
      headers: notStored,
      log: tools.log,
    });
  }

  /** Whether a request-target is the path of these messages. */
  owns(target: string): boolean {
    return originForm(target) === serviceAuthorisationsPath;
  }

  async #answer(request: XcapRequest): Promise<XcapAnswer> {
    const body = await this.#prepare(request);
    return { status: 200, headers: { 'Content-Type': jsonType }, body: `${JSON.stringify(body)}\n` };
  }

  async #prepare(request: XcapRequest): Promise<unknown> {
    if (request.method !== 'POST') throw new MethodNotAllowed(['POST']);
    const { known, log } = this.#tools;
    const principal = principalOf(assertedIdentity(request), known);
    if (principal.kind !== 'mc-service-server') {
      throw new Forbidden('only MC service servers of this MC system tell of service authorisations');
    }
    checkMediaType(request, jsonType);
    const { user, groups } = readMessage(await request.readBody());
    if (!known.homes.isOwn(user)) throw new Forbidden('the user is not of this MC system');
    const prepared = await prepareGroups(groups, this.#tools);
    const states: Record<string, number> = {};
    for (const { readiness } of prepared) states[readiness] = (states[readiness] ?? 0) + 1;
    log.info({ server: principal.identity, user, ...states }, 'groups of a service authorised user prepared');
    return { groups: prepared.map(({ groupId, readiness }) => ({ group: groupId, state: readiness })) };
  }
}

/** @throws BadRequest that says what is wrong */
function readMessage(body: Buffer): { readonly user: string; readonly groups: readonly GroupId[] } {
  let message: unknown;
  try {
    message = JSON.parse(body.toString('utf8'));
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  if (typeof message !== 'object' || message === null || !('user' in message) || !('groups' in message)) {
    throw new BadRequest('the body is {"user": MC service ID, "groups": [MC service group ID, …]}');
  }
  const user = typeof message.user === 'string' ? toMcServiceId(message.user) : undefined;
  if (user === undefined) throw new BadRequest('user is an MC service ID');
  const groups: readonly unknown[] = Array.isArray(message.groups) ? message.groups : [undefined];
  if (groups.length > mostGroups)
    throw new BadRequest(`groups holds ${mostGroups} MC service group IDs at most`);
  return {
    user,
    groups: groups.map((group) => {
      const groupId = typeof group === 'string' ? toGroupId(group) : undefined;
      if (groupId === undefined) throw new BadRequest('groups is a list of MC service group IDs');
      return groupId;
    }),
  };
}
