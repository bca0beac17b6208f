/**
 * Faults that are planted to see whether anybody notices: each replaces one piece of the compiled server.
 * What is to be replaced must stand there exactly once, so that a mutant cannot lose its meaning unseen.
 */

export interface Mutant {
  readonly title: string;
  /** Below `dist/src/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Who must notice: the simulation, or a test file below `dist/test/`. */
  readonly caughtBy: 'simulation' | `${string}.test.js`;
}

export const mutants: readonly Mutant[] = [
  // ---- The primary: what is to be told, and to whom
  {
    title: 'the delivery row is written after the commit, not in it',
    file: 'documents/documents.js',
    find: 'await this.#store.commit(keyOf(key), expected, { ...labels, data: after });',
    replace: `const bare = { ...after, deliveries: before?.deliveries ?? {} };
            const { revision } = await this.#store.commit(keyOf(key), expected, { names: kept, terms: termsOf(bare, names), data: bare });
            await this.#store.commit(keyOf(key), revision, { ...labels, data: after });`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'the answer comes before the storage',
    file: 'documents/documents.js',
    find: 'await this.#store.commit(keyOf(key), expected, { ...labels, data: after });',
    replace: `void this.#store
                .commit(keyOf(key), expected, { ...labels, data: after })
                .catch(() => undefined);`,
    caughtBy: 'simulation',
  },
  {
    title: 'a deleted group leaves no record of what partners are to be told',
    file: 'documents/documents.js',
    find: 'return Object.keys(deliveries).length > 0 || concerned.length > 0 || (tombstone?.system ?? null) !== null;',
    replace: 'return (tombstone?.system ?? null) !== null;',
    caughtBy: 'simulation',
  },
  {
    title: 'a document whose state is amended gives up its claims',
    file: 'documents/documents.js',
    find: '.names.filter(isClaim) ?? []',
    replace: '.names.filter(() => false) ?? []',
    caughtBy: 'unit/documents/documents.test.js',
  },
  {
    title: 'an acknowledgement settles the delivery though the group has changed meanwhile',
    file: 'interconnection/primary/delivery-state.js',
    find: 'const settled = known.change === attempted.change;',
    replace: 'const settled = true;',
    caughtBy: 'simulation',
  },
  {
    title: 'an attempt settles by the tag of the group, not by the number of what was owed',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'const next = await this.#record(key, attempted, outcome, retry);',
    replace: `const newest = (await this.#tools.documents.get(key))?.state;
        if (newest?.current?.etag === stored.form?.etag) {
            attempted.change = newest?.deliveries[this.peer.name]?.change ?? attempted.change;
        }
        const next = await this.#record(key, attempted, outcome, retry);`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a put forgets what partners were owed of the former document',
    file: 'documents/documents.js',
    find: 'const { deliveries, sharedWith, concerned } = replaced?.state ?? { deliveries: {} };',
    replace: 'const [deliveries, sharedWith, concerned] = [{}, replaced?.state.sharedWith, undefined];',
    caughtBy: 'simulation',
  },
  {
    title: 'news does not unpark',
    file: 'interconnection/primary/delivery-state.js',
    find: 'return { ...tryAgain(known), hold, change:',
    replace: `return { ...(known.status === 'parked' ? known : tryAgain(known)), hold, change:`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'an older form is sent',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'const stored = await this.#tools.documents.get(key);',
    replace: `const newest = await this.#tools.documents.get(key);
        const form = (this.kept ??= new Map()).get(key) ?? newest?.form;
        const stored = newest && { ...newest, form };
        this.kept.set(key, form);`,
    caughtBy: 'simulation',
  },
  {
    title: 'the time of the next attempt is not kept to',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'if (pause > 0) {',
    replace: 'if (false) {',
    caughtBy: 'unit/interconnection/primary/deliveries.test.js',
  },
  {
    title: 'a stored time holds a group up until the clock says so',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'millisecondsUntil(time, this.#tools.clock.now(), this.#settings.backOff.cap)',
    replace: 'millisecondsUntil(time, this.#tools.clock.now(), Infinity)',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'the failure of one group pauses all',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'const failingGroups = 3;',
    replace: 'const failingGroups = 1;',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'pauses do not grow',
    file: 'base/back-off.js',
    find: 'policy.first * 2 ** Math.min(failures - 1, 40)',
    replace: 'policy.first',
    caughtBy: 'interconnection/deliver.test.js',
  },
  {
    title: 'what fails is not tried again',
    file: 'interconnection/primary/delivery-loop.js',
    find: "if (next?.status === 'pending')",
    replace: 'if (false)',
    caughtBy: 'simulation',
  },
  {
    title: 'two requests for one group are on their way to one partner',
    file: 'interconnection/primary/delivery-loop.js',
    find: 'if (this.#underWay.has(key))',
    replace: 'if (false)',
    caughtBy: 'interconnection/deliver.test.js',
  },
  {
    title: 'a partner whose last member was removed is still provided',
    file: 'interconnection/primary/plan.js',
    find: 'owed(known, provided(name), changed && isOurs)',
    replace: 'owed(known, known?.hold === true || provided(name), changed && isOurs)',
    caughtBy: 'simulation',
  },
  {
    title: 'a copy that was fetched is not owed its withdrawal',
    file: 'interconnection/primary/plan.js',
    find: 'const next = isOwedTheEnd ? firstWithdrawal : owed(',
    replace: 'const next = owed(',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'If-Match is dropped',
    file: 'interconnection/primary/delivery-attempt.js',
    find: "{ 'If-Match': tag }",
    replace: '{}',
    caughtBy: 'simulation',
  },
  {
    title: 'a withdrawal has no condition',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'this.#tools.peerClient.deleteGroup(request)',
    replace: 'this.#tools.peerClient.deleteGroup({ ...request, condition: {} })',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a 403 to a provision counts as done',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'const provided = [200, 201, 204];',
    replace: 'const provided = [200, 201, 204, 403, 409];',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'any 404 acknowledges a withdrawal',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'return await this.#confirmAbsence(sent, groupId);',
    replace: `return { kind: 'withdrawn', withdrawalTag: null, answer: this.#kept(sent) };`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'any success acknowledges a provision',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'return await this.#confirmPresence(form, sent, groupId);',
    replace: `return { kind: 'delivered', partnerETag: null, answer: this.#kept(sent) };`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'an absence confirms a withdrawal that the partner never heard of',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'shown.withdrawalTag === undefined &&',
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'capabilities prove an absence that their server did not sign',
    file: 'interconnection/peer-client.js',
    find: 'return isCaps && fieldOf(fields, incarnationField) === undefined;',
    replace: 'return isCaps;',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a changed configuration is not planned for',
    file: 'interconnection/primary/deliveries.js',
    find: 'await this.#planAll();',
    replace: '',
    caughtBy: 'simulation',
  },
  {
    title: 'planning for a changed configuration ends with the first failure',
    file: 'interconnection/primary/deliveries.js',
    find: 'this.#starting = this.#planAnew();',
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a tag that a proxy weakened is lost',
    file: 'http/xcap/peer-requests.js',
    find: 'const tag = etag === undefined ? {} : { [tagField]: etag };',
    replace: 'const tag = {};',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a withdrawal that the partner does not name is taken for none',
    file: 'interconnection/primary/delivery-attempt.js',
    find: 'if (withdrawal === undefined)',
    replace: 'if (false)',
    caughtBy: 'simulation/cases.test.js',
  },
  // ---- The primary: comparisons with its partners
  {
    title: 'nothing is compared after a restore of the primary',
    file: 'gms/interconnection.js',
    find: 'reconciliation.start(foundation.incarnation.isNew);',
    replace: 'reconciliation.start(false);',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'nothing is compared after a restore of the partner',
    file: 'gms/interconnection.js',
    find: 'if (reconciliation.heard(system, token))',
    replace: 'if (false)',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'nothing is compared on a schedule',
    file: 'interconnection/primary/reconciliation.js',
    find: 'if (this.#closing.signal.aborted || this.#settings.interval === 0)',
    replace: 'if (this.#closing.signal.aborted || delay !== settling)',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'what was withdrawn is not compared',
    file: 'interconnection/primary/reconciliation.js',
    find: '[terms.delivered(system), terms.withdrawn(system)]',
    replace: '[terms.delivered(system)]',
    caughtBy: 'simulation/cases.test.js',
  },
  // ---- The primary: what it answers
  {
    title: 'a group is given to a partner for which it is not',
    file: 'interconnection/primary/form-for-peer.js',
    find: 'if (partnersConcerned(readings.of(form), homes, peers, sharedWith(state)).has(system))',
    replace: 'if (true)',
    caughtBy: 'simulation',
  },
  {
    title: 'a received group is given to a third system',
    file: 'interconnection/primary/form-for-peer.js',
    find: 'if (home !== homes.own)',
    replace: 'if (false)',
    caughtBy: 'unit/interconnection/primary/form-for-peer.test.js',
  },
  // ---- The partner
  {
    title: 'the home of a provided group is not checked',
    file: 'interconnection/partner/receiver.js',
    find: 'if (this.#tools.homes.homeOf(groupId) === system)',
    replace: 'if (true)',
    caughtBy: 'simulation',
  },
  {
    title: 'replayed older content is applied',
    file: 'interconnection/partner/receiver.js',
    find: `judgeWrite(conditions, { etag: former?.etag, exists: former !== undefined, dated: former });
        if (former !== undefined && conditions.ifMatch === undefined) {`,
    replace: 'if (false) {',
    caughtBy: 'simulation',
  },
  {
    title: 'the same bytes keep their tag',
    file: 'interconnection/partner/receiver.js',
    find: 'received: { ...received, etag, body, modified, upstreamETag: null },',
    replace: 'received: { ...received, upstreamETag: null },',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'the partner does not ask which withdrawal a provision follows',
    file: 'interconnection/partner/receiver.js',
    find: 'checkFollows(incoming, current?.state.tombstone);',
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a second withdrawal is remembered under the tag of the first',
    file: 'interconnection/partner/receiver.js',
    find: 'state: { ...current.state, tombstone }',
    replace: 'state: current.state',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a withdrawal of what is not there is not remembered',
    file: 'interconnection/partner/receiver.js',
    find: `return { kind: 'remember', key, state, result: false };`,
    replace: `return { kind: 'keep', result: false };`,
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a known group is provided again without a tag',
    file: 'interconnection/partner/receiver.js',
    find: 'if (former !== undefined && conditions.ifMatch === undefined) {',
    replace: 'if (false) {',
    caughtBy: 'interconnection/provide-refused.test.js',
  },
  {
    title: 'the received document is stored without its effective one',
    file: 'interconnection/partner/receiver.js',
    find: 'current: former?.body === text ? former : documents.newForm(text),',
    replace: 'current: former ?? documents.newForm(text),',
    caughtBy: 'simulation',
  },
  {
    title: 'a policy that fails stores the received document all the same',
    file: 'interconnection/partner/receiver.js',
    find: 'await judgeEffective(text, groupId, names, this.#tools, system);',
    replace: 'void 0;',
    caughtBy: 'unit/interconnection/partner/receiver.test.js',
  },
  {
    title: 'a primary is told what is wrong with what the policies made',
    file: 'interconnection/partner/receiver.js',
    find: 'throw policyNotApplicable(`the result is no valid group document: ${error.message}`);',
    replace: 'throw error;',
    caughtBy: 'interconnection/provide-refused.test.js',
  },
  {
    title: 'a peer is told the template that fails though nothing is reported to it',
    file: 'http/xcap/peer-requests.js',
    find: 'peer.reportModifications ? withDetails(error) : error',
    replace: 'withDetails(error)',
    caughtBy: 'interconnection/provide-refused.test.js',
  },
  {
    title: 'a stop of the machine counts as time of the policy',
    file: 'policy/work-time.js',
    find: '(now < longest ? now : longest) - this.#last',
    replace: 'now - this.#last',
    caughtBy: 'unit/policy/work-time.test.js',
  },
  {
    title: 'lack of time refuses a group for good',
    file: 'policy/policies-in-force.js',
    find: "'deadline', ",
    replace: '',
    caughtBy: 'interconnection/provide-refused.test.js',
  },
  {
    title: 'a slow policy is not named to the operator',
    file: 'policy/runner.js',
    find: 'this.#onSlow({ input: job.request.input, step, milliseconds, ended });',
    replace: '',
    caughtBy: 'unit/policy/runner.test.js',
  },
  {
    title: 'a policy that would fail wherever it matches is taken',
    file: 'policy/usage.js',
    find: 'checkTouches(parsePolicy(document.text, document.tree), document.tree);',
    replace: 'parsePolicy(document.text, document.tree);',
    caughtBy: 'interconnection/policy-put.test.js',
  },
  {
    title: 'an administrator is not told that a policy fails on groups',
    file: 'http/xcap/write.js',
    find: 'return await this.#remarked(answer, resource, wanted);',
    replace: 'return answer;',
    caughtBy: 'interconnection/policy-put.test.js',
  },
  {
    title: 'a failing policy is passed over',
    file: 'interconnection/partner/receiver.js',
    find: 'await derive(received.system, groupId, received.body);',
    replace: `await derive(received.system, groupId, received.body).catch(() => ({
                text: current?.state.current?.body ?? received.body, modifications: [], omitted: 0, isCurrent: () => true,
            }));`,
    caughtBy: 'simulation',
  },
  {
    title: 'the answer to a fetch overwrites what was pushed meanwhile',
    file: 'interconnection/partner/receiver.js',
    find: `if (this.#held(incoming, current) !== undefined)
                return { result: 'held' };`,
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'the answer to a revalidation overwrites what was pushed meanwhile',
    file: 'interconnection/partner/receiver.js',
    find: 'if (received?.etag !== former || effective === undefined)',
    replace: 'if (received === undefined || effective === undefined)',
    caughtBy: 'unit/interconnection/partner/requester.test.js',
  },
  {
    title: 'the answer to a fetch brings back what was withdrawn meanwhile',
    file: 'interconnection/partner/receiver.js',
    find: 'watch.withdrawn = true;',
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a policy that changes while a document is on its way is missed',
    file: 'interconnection/partner/receiver.js',
    find: 'if (!committed.isCurrent())',
    replace: 'if (false)',
    caughtBy: 'unit/interconnection/partner/receiver.test.js',
  },
  {
    title: 'a policy that changes is not applied to what is there',
    file: 'gms/interconnection.js',
    find: `if (change.auid === policyAuid)
            rederivation.start();`,
    replace: '',
    caughtBy: 'simulation',
  },
  {
    title: 'what could not be derived at present is not derived later',
    file: 'interconnection/partner/rederivation.js',
    find: `if (passing && !isOver())
            this.startLater();`,
    replace: '',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'groups of a system that is not configured any more keep their former policy',
    file: 'interconnection/partner/rederivation.js',
    find: 'documents.receivedKeys()',
    replace: '[]',
    caughtBy: 'simulation',
  },
  // ---- Requests
  {
    title: 'what is gone at the primary survives its revalidation',
    file: 'interconnection/partner/requester.js',
    find: 'await receiver.withdraw(peer.name, groupId, { ifMatch, ifNoneMatch: undefined });',
    replace: '',
    caughtBy: 'simulation',
  },
  {
    title: 'revalidation never happens',
    file: 'interconnection/partner/revalidation.js',
    find: 'if (this.#closed || this.#settings.interval === 0)',
    replace: 'if (true)',
    caughtBy: 'simulation',
  },
  {
    title: 'any 404 removes the copy',
    file: 'interconnection/partner/requester.js',
    find: 'if (isEnding(answer)) {',
    replace: 'if (answer.status === 404 || isEnding(answer)) {',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'a page of a proxy passes for what the peer itself says',
    file: 'interconnection/peer-words.js',
    find: 'const own = result !== undefined ||',
    replace: 'const own = true || result !== undefined ||',
    caughtBy: 'simulation/cases.test.js',
  },
  {
    title: 'the condition of a request to a peer is lost',
    file: 'interconnection/peer-client.js',
    find: '...condition }',
    replace: '}',
    caughtBy: 'unit/interconnection/peer-client.test.js',
  },
  // ---- Shares
  {
    title: 'one who holds all places keeps everybody else out',
    file: 'base/places.js',
    find: '(this.#all < all || held < reserve)',
    replace: 'this.#all < all',
    caughtBy: 'unit/base/places.test.js',
  },
  {
    title: 'one user takes the requests of all users to a primary',
    file: 'base/shared-bucket.js',
    find: 'this.#all.take(Math.floor(own.tokens))',
    replace: 'this.#all.take()',
    caughtBy: 'unit/base/shared-bucket.test.js',
  },
  {
    title: 'all purposes share the connections to a peer',
    file: 'outbound/lanes.js',
    find: 'JSON.stringify([lane.to, lane.purpose])',
    replace: 'lane.to',
    caughtBy: 'unit/outbound/lanes.test.js',
  },
  {
    title: 'a requester who is gone keeps its place at the gateway',
    file: 'gateway/requests.js',
    find: '}, gone);',
    replace: '});',
    caughtBy: 'interconnection/gateway.test.js',
  },
  // ---- Administrators
  {
    title: 'a received group is changed by a local administrator',
    file: 'http/xcap/write.js',
    find: 'if (this.#current === undefined || received === undefined)',
    replace: 'if (true)',
    caughtBy: 'interconnection/provide-refused.test.js',
  },
  {
    title: 'a user who may create groups takes what another system left behind',
    file: 'http/xcap/write.js',
    find: "return isOrphan && this.#principal.kind === 'administrator';",
    replace: 'return isOrphan;',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'nothing that another system left behind can be put anew',
    file: 'http/xcap/write.js',
    find: 'if (!this.#mayReplace(this.#current)) {',
    replace: 'if (true) {',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  // ---- Configurations that change: names, and the homes of groups
  {
    title: 'records hold the names of systems, not what identifies them',
    file: 'documents/system-names.js',
    find: 'data: withSystems(data, toStored),',
    replace: 'data,',
    caughtBy: 'unit/documents/system-names.test.js',
  },
  {
    title: 'index terms hold the names of systems, not what identifies them',
    file: 'documents/system-names.js',
    find: 'terms: terms.map((term) => mapSystem(term, toStored)),',
    replace: 'terms,',
    caughtBy: 'unit/documents/system-names.test.js',
  },
  {
    title: 'a system that is configured no more keeps a name that another has by now',
    file: 'documents/system-names.js',
    find: 'if (name !== own && !this.#identityOf.has(name))',
    replace: 'if (true)',
    caughtBy: 'unit/documents/system-names.test.js',
  },
  {
    title: 'a name in a record of an earlier version means whoever has it now',
    file: 'documents/system-names.js',
    find: 'this.recorded.plain.get(stored) ?? stored',
    replace: 'stored',
    caughtBy: 'unit/documents/system-names.test.js',
  },
  {
    title: 'records of earlier versions are not found by the present name',
    file: 'documents/system-names.js',
    find: 'meant === identity',
    replace: 'false',
    caughtBy: 'unit/documents/system-names.test.js',
  },
  {
    title: 'the names of peers are not written down at start',
    file: 'gms/compose.js',
    find: '            keepNames();\n',
    replace: '',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'a group of ours stays ours when its domain becomes a peer’s',
    file: 'groups/whose-record.js',
    find: "home === undefined || home === homes.own ? 'own' : 'orphan'",
    replace: "'own'",
    caughtBy: 'unit/groups/whose-record.test.js',
  },
  {
    title: 'what came from a peer is always taken to be of its primary',
    file: 'groups/whose-record.js',
    find: "source === home ? 'of its primary' : 'orphan'",
    replace: "'of its primary'",
    caughtBy: 'unit/groups/whose-record.test.js',
  },
  {
    title: 'a received group is shown to the new home of its domain',
    file: 'interconnection/primary/form-for-peer.js',
    find: 'stored?.received?.system === system',
    replace:
      'stored?.received !== undefined && (stored.received.system === system || homes.homeOf(groupId) === system)',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'an orphan stands in the way of its new home',
    file: 'interconnection/partner/receiver.js',
    find: "return whose === 'of its primary' ? received : undefined;",
    replace: 'return received;',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'what a former home withdrew binds the new one',
    file: 'interconnection/partner/receiver.js',
    find: 'tombstone?.system !== system',
    replace: '(tombstone?.system ?? null) === null',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'what is pending of a group is sent though its domain is a peer’s now',
    file: 'interconnection/primary/deliveries.js',
    find: 'await this.#planMoved();',
    replace: '',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'a share outlives the group when its new home provides that',
    file: 'documents/documents.js',
    find: 'content.received === null && sharedWith ?',
    replace: 'sharedWith ?',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
  {
    title: 'a group of ours whose domain is a peer’s now is not listed as an orphan',
    file: 'interconnection/operations/orphans.js',
    find: 'if (source === undefined && readSummary(carried) === undefined)',
    replace: 'if (source === undefined)',
    caughtBy: 'interconnection/homes-that-move.test.js',
  },
];
