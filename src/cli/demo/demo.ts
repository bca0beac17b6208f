import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.js';
import type { GroupId } from '../../base/identifiers.js';
import { systemRandom } from '../../base/random.js';
import { toGroupId } from '../../base/uri.js';
import { defaultConfig, type Config } from '../../gms/config.js';
import { groupMediaType, nameOfGroup } from '../../groups/names.js';
import { policyMediaType } from '../../policy/language/policy.js';
import { policyAuid } from '../../policy/usage.js';
import { bytesOf, OutboundClient, type OutboundAnswer, type OutboundRequest } from '../../outbound/client.js';
import { createGms, type Gms } from '../../gms/gms.js';
import { difference, paint } from '../difference.js';
import { untilAborted } from '../until-aborted.js';
import { EventLog, McServiceServer } from './witnesses.js';

/**
 * `mcgms demo`: two MC systems on loopback, `a` of the police and `b` of the fire brigade, play both
 * procedures of TS 23.280 clause 10.2.7 with real HTTP between them. What it prints is what it saw
 * happen: answers that it got, and events that the systems logged.
 */

export interface DemoOptions {
  /** Leave both systems running at the end. */
  readonly keep: boolean;
  readonly write: (text: string) => void;
  /** Whether the terminal shows colours. */
  readonly colour: boolean;
}

const identities = {
  administratorOfA: 'sip:admin@police.example',
  administratorOfB: 'sip:admin@fire.example',
  gmsOfA: 'sip:gms@police.example',
  gmsOfB: 'sip:gms@fire.example',
  serverOfB: 'sip:mcptt-server@fire.example',
  memberInB: 'sip:boat-1@fire.example',
} as const;

const deadline = { deadline: 5000, answerBytes: 1024 * 1024 };

/** A port of the loopback interface that is free now. */
async function freePort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function fixture(name: string): Promise<string> {
  return await readFile(new URL(`../../../../fixtures/demo/${name}`, import.meta.url), 'utf8');
}

function groupIdOf(uri: string): GroupId {
  const groupId = toGroupId(uri);
  if (groupId === undefined) throw new Error(`${uri} is no group ID`);
  return groupId;
}

interface Plan {
  readonly folder: string;
  readonly rootOfA: string;
  readonly rootOfB: string;
  readonly portOfA: number;
  readonly portOfB: number;
  readonly inform: string;
}

function configOfA({ folder, portOfA, rootOfB }: Plan): Config {
  return defaultConfig({
    system: { name: 'a', domains: ['police.example'] },
    http: { port: portOfA },
    store: { folder: join(folder, 'a') },
    identity: { administrators: [identities.administratorOfA] },
    mcServiceServers: [],
    peers: [{ name: 'b', identity: identities.gmsOfB, root: rootOfB, domains: ['fire.example'] }],
    interconnection: { identity: identities.gmsOfA },
  });
}

function configOfB({ folder, portOfB, rootOfA, inform }: Plan): Config {
  return defaultConfig({
    system: { name: 'b', domains: ['fire.example'] },
    http: { port: portOfB },
    store: { folder: join(folder, 'b') },
    identity: { administrators: [identities.administratorOfB] },
    mcServiceServers: [{ identity: identities.serverOfB, inform }],
    peers: [{ name: 'a', identity: identities.gmsOfA, root: rootOfA, domains: ['police.example'] }],
    interconnection: { identity: identities.gmsOfB },
  });
}

class Demo {
  readonly #options: DemoOptions;
  readonly #client = new OutboundClient(deadline);
  readonly #logs = { a: new EventLog(), b: new EventLog() };
  #a: Gms | undefined;
  #b: Gms | undefined;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  async run(stop: AbortSignal): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-demo-'));
    const server = await McServiceServer.start();
    try {
      const [portOfA, portOfB] = [await freePort(), await freePort()];
      const root = (port: number): string => `http://127.0.0.1:${port}/xcap-root`;
      const plan: Plan = {
        folder,
        portOfA,
        portOfB,
        rootOfA: root(portOfA),
        rootOfB: root(portOfB),
        inform: server.url,
      };
      await this.#prepare(plan);
      await this.#provide(plan, server);
      await this.#request(plan, server);
      if (this.#options.keep) await this.#keep(plan, stop);
    } finally {
      await this.#a?.close();
      await this.#b?.close();
      await server.close();
      this.#client.close();
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #startA(plan: Plan): Promise<void> {
    this.#a = await createGms(configOfA(plan), {
      clock: systemClock,
      random: systemRandom,
      log: this.#logs.a,
    });
  }

  async #startB(plan: Plan): Promise<void> {
    this.#b = await createGms(configOfB(plan), {
      clock: systemClock,
      random: systemRandom,
      log: this.#logs.b,
    });
  }

  async #prepare(plan: Plan): Promise<void> {
    this.#title('Two MC systems, development mode on loopback');
    await this.#startA(plan);
    this.#say('a', `the police's GMS: ${plan.rootOfA}`);
    await this.#startB(plan);
    this.#say('b', `the fire brigade's GMS: ${plan.rootOfB}`);
    const policies = [
      ['a', plan.rootOfA, identities.administratorOfA, 'policy-a.xml'],
      ['b', plan.rootOfB, identities.administratorOfB, 'policy-b.xml'],
    ] as const;
    for (const [system, root, administrator, file] of policies) {
      const { status } = await this.#send(
        {
          method: 'PUT',
          url: `${root}/${policyAuid}/global/policy.xml`,
          headers: { 'X-3GPP-Asserted-Identity': administrator, 'Content-Type': policyMediaType },
          body: await fixture(file),
        },
        201,
      );
      this.#say(system, `its administrator puts the policy for groups of others (${file}): ${status}`);
    }
  }

  /** TS 23.280 clause 10.2.7.2: the primary provides. */
  async #provide(plan: Plan, server: McServiceServer): Promise<void> {
    this.#title('23.280 clause 10.2.7.2: the primary MC system provides group configuration');
    const groupId = groupIdOf('sip:river-rescue@police.example');
    const modified = this.#logs.b.next('group information modified by policy', groupId);
    const stored = this.#logs.b.next('group information stored', groupId);
    const delivered = this.#logs.a.next('group information delivered', groupId);
    await this.#administratorPuts(plan, 'river-rescue.xml', groupId);
    const { modifications } = await modified;
    this.#say('a', 'step 1: provides the group to b, because two of its members are defined there');
    this.#say('b', `step 2: modifies it by policy: ${modifications} modifications`);
    await stored;
    this.#say('b', 'step 3: stores received and effective document in one commit');
    const told = await server.next();
    this.#say('b', `step 4: informs its MC service server, which now has\n${indent(told)}`);
    await delivered;
    this.#say('a', 'step 5: has the answer of b: received, modified and stored');
    await this.#showDifference(plan, groupId);
  }

  /** TS 23.280 clause 10.2.7.3: the partner requests. */
  async #request(plan: Plan, server: McServiceServer): Promise<void> {
    this.#title('23.280 clause 10.2.7.3: the partner MC system requests group configuration');
    const groupId = groupIdOf('sip:bridge-closure@police.example');
    await this.#b?.close();
    this.#say('b', 'is down for a moment');
    const failed = this.#logs.a.next('group information not delivered', groupId);
    await this.#administratorPuts(plan, 'bridge-closure.xml', groupId);
    const { reason } = await failed;
    this.#say('a', `cannot provide the group to b (${reason}); it will try again later`);
    await this.#startB(plan);
    this.#say('b', 'is up again and does not hold the group');
    const fetched = this.#logs.b.next('group information fetched', groupId);
    const effective = await this.#get(plan.rootOfB, groupId, identities.memberInB);
    await fetched;
    this.#say('b', 'step 1: a member asks for the group; steps 2 and 3: b requests it from a and has it');
    this.#say('b', 'steps 4 and 5: modifies it by policy and stores it');
    await server.next();
    this.#say('b', 'step 6: informs its MC service server');
    this.#say('b', `the member has the effective document: ${effective.length} octets`);
    await this.#showDifference(plan, groupId);
  }

  async #administratorPuts(plan: Plan, file: string, groupId: GroupId): Promise<void> {
    const { status } = await this.#send(
      {
        method: 'PUT',
        url: `${plan.rootOfA}/${nameOfGroup(groupId)}`,
        headers: {
          'X-3GPP-Asserted-Identity': identities.administratorOfA,
          'Content-Type': groupMediaType,
        },
        body: await fixture(file),
      },
      201,
    );
    this.#say('a', `the administrator puts ${groupId}, with members of both systems: ${status}`);
  }

  async #showDifference(plan: Plan, groupId: GroupId): Promise<void> {
    const received = await this.#get(plan.rootOfB, groupId, identities.gmsOfA);
    const effective = await this.#get(plan.rootOfB, groupId, identities.memberInB);
    this.#say('b', `a reads back its own document, ${identities.memberInB} reads the effective one:`);
    this.#options.write(`\n${indent(difference(received, effective, this.#options.colour))}\n`);
  }

  async #keep(plan: Plan, stop: AbortSignal): Promise<void> {
    this.#title('Both systems keep running');
    this.#say('a', plan.rootOfA);
    this.#say('b', plan.rootOfB);
    const group = nameOfGroup(groupIdOf('sip:river-rescue@police.example'));
    for (const [root, identity] of [
      [plan.rootOfA, identities.administratorOfA],
      [plan.rootOfB, identities.memberInB],
    ]) {
      this.#options.write(`\n  curl -i ${root}/${group} -H 'X-3GPP-Asserted-Identity: ${identity}'\n`);
    }
    this.#options.write('\nCtrl-C stops them.\n');
    await untilAborted(stop);
  }

  async #get(root: string, groupId: GroupId, identity: string): Promise<string> {
    const url = `${root}/${nameOfGroup(groupId)}`;
    const headers = { 'X-3GPP-Asserted-Identity': identity };
    return bytesOf(await this.#send({ method: 'GET', url, headers }, 200)).toString('utf8');
  }

  async #send(request: Omit<OutboundRequest, 'lane'>, expected: number): Promise<OutboundAnswer> {
    const lane = { to: new URL(request.url).origin, purpose: 'demonstration' };
    const answer = await this.#client.send({ lane, ...request });
    if (answer.status !== expected) {
      throw new Error(
        `${request.method} ${request.url}: ${answer.status} instead of ${expected}\n${bytesOf(answer).toString()}`,
      );
    }
    return answer;
  }

  #title(text: string): void {
    this.#options.write(`\n${paint(text, 'bold', this.#options.colour)}\n\n`);
  }

  #say(system: 'a' | 'b', text: string): void {
    const name = paint(system, system === 'a' ? 'blue' : 'yellow', this.#options.colour);
    this.#options.write(`  ${name}  ${text}\n`);
  }
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '       ');
}

/** Plays the demo. @throws Error where a step does not come out as it should */
export async function runDemo(options: DemoOptions, stop: AbortSignal): Promise<void> {
  await new Demo(options).run(stop);
}
