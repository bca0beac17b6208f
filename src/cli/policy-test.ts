import { readFile } from 'node:fs/promises';
import type { GroupId, SystemName } from '../base/identifiers.js';
import { systemCode, systemWords } from '../base/system-errors.js';
import { HomeSystems } from '../mc-systems/homes.js';
import { defaultConfig, type Config } from '../gms/config.js';
import { JudgeHere, type JudgeTools } from '../documents/judgement.js';
import type { Modification } from '../documents/state.js';
import { groupView } from '../groups/view.js';
import { failedCondition, type Derivation } from '../policy/derive.js';
import { judgeEffective, type GroupRules } from '../policy/judge-effective.js';
import { stoppedBy, type Policy } from '../policy/language/policy.js';
import { parsePolicy } from '../policy/language/read-policy.js';
import { checkTouches } from '../policy/language/touches.js';
import { PolicyFailed, PolicyInvalid } from '../policy/language/errors.js';
import { PolicyRunner } from '../policy/runner.js';
import { groupUsage, openSchemas } from '../gms/usages.js';
import { XcapConflict } from '../xcap/conflicts.js';
import { gateBytes, type GatedText } from '../xml/gate.js';
import { XmlRefused } from '../xml/refusal.js';
import type { DocumentKind } from '../xml/schemas.js';
import type { Asked } from './commands.js';
import { Ended, exitCode } from './exit.js';
import { difference, paint } from './difference.js';

/**
 * `mcgms policy test`: what policies make of a group, without a server and without storing anything. It
 * goes the way of a provision: gate, schema and constraints for what comes in, the policies in a worker
 * with the usual deadline, schema and constraints for what comes out.
 */

export interface PolicyTestOutput {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Whether the terminal shows colours. */
  readonly colour: boolean;
}

/** `file:line:column` of an offset; the column counts UTF-16 code units from 1. */
function placeIn(file: string, text: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return `${file}:${line}:${offset - before.lastIndexOf('\n')}`;
}

/** What is wrong with `file`, behind its place, so that editors find it. */
function mistake(file: string, message: string): Ended {
  const [, line, what] = /^line (\d+): ([^]*)$/.exec(message) ?? [];
  const place = line === undefined ? file : `${file}:${line}`;
  return new Ended(exitCode.notValid, `${place}: ${what ?? message}`);
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const reason = [systemCode(error) ?? [], systemWords(error)].flat().join(': ');
    throw new Ended(exitCode.notReadable, `${file}: cannot be read: ${reason}`);
  }
}

interface Rules extends GroupRules, JudgeTools {}

/** The document in `file`, past the gate and valid. @throws Ended */
async function documentOf(file: string, kind: DocumentKind, rules: Rules): Promise<GatedText> {
  const bytes = await bytesOf(file);
  try {
    const document = gateBytes(bytes, rules.limits);
    rules.schemas.validate(kind, document.text);
    return document;
  } catch (error) {
    if (error instanceof XmlRefused) throw mistake(file, error.message);
    throw error;
  }
}

interface NamedPolicy {
  readonly file: string;
  readonly text: string;
  readonly policy: Policy;
}

async function policyOf(file: string, rules: Rules): Promise<NamedPolicy> {
  const { text, tree } = await documentOf(file, 'policy', rules);
  try {
    const policy = parsePolicy(text, tree);
    checkTouches(policy, tree);
    return { file, text, policy };
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    const place = error.offset === undefined ? file : placeIn(file, text, error.offset);
    throw new Ended(exitCode.notValid, `${place}: ${error.message}`);
  }
}

async function groupOf(file: string, rules: Rules): Promise<{ text: string; groupId: GroupId }> {
  const document = await documentOf(file, 'group', rules);
  const { groupId } = groupView(document);
  if (groupId === undefined) throw mistake(file, 'list-service/@uri is no MC service group ID');
  try {
    rules.usage.check(document);
  } catch (error) {
    if (error instanceof XcapConflict) throw mistake(file, error.phrase);
    throw error;
  }
  return { text: document.text, groupId };
}

function rulesOf(config: Config): Rules {
  const usage = groupUsage(config, new HomeSystems(config.system, config.peers));
  const tools = { schemas: openSchemas(config), limits: config.xml };
  return { usage, ...tools, judge: new JudgeHere(tools) };
}

/** Values on one line, with nothing that a terminal would act on. */
function visible(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{Cc}|\p{Cf}/gu, '\uFFFD');
}

class PolicyTest {
  readonly #output: PolicyTestOutput;
  readonly #config = defaultConfig();
  readonly #rules = rulesOf(this.#config);

  constructor(output: PolicyTestOutput) {
    this.#output = output;
  }

  async run({ group: file, policy: files, system: given }: PolicyTestCall): Promise<void> {
    const policies: NamedPolicy[] = [];
    for (const each of files) policies.push(await policyOf(each, this.#rules));
    const { text, groupId } = await groupOf(file, this.#rules);
    const named = policies.flatMap(({ policy }) => policy.systems);
    const known = given ?? named[0];
    const system = (known ?? 'any') as SystemName;
    this.#say(
      `${groupId}, provided by ${known === undefined ? 'any MC system' : `MC system ${visible(known)}`}`,
    );
    const derivation = await this.#derive(
      { system, groupId, text },
      policies.map((policy) => policy.text),
    );
    for (const { policy } of policies) this.#sayWhetherFor(policy, system, groupId, text);
    this.#show(text, derivation);
    try {
      await judgeEffective(derivation.text, groupId, undefined, this.#rules, system);
    } catch (error) {
      if (!(error instanceof XcapConflict)) throw error;
      throw new Ended(exitCode.failed, `the result is no valid group document: ${error.phrase}`);
    }
  }

  async #derive(
    input: { readonly system: SystemName; readonly groupId: GroupId; readonly text: string },
    texts: readonly string[],
  ): Promise<Derivation> {
    const deadline = this.#config.interconnection.policyDeadline;
    const runner = new PolicyRunner({ deadline, limits: this.#rules.limits });
    try {
      return await runner.run(input, texts);
    } catch (error) {
      if (error instanceof PolicyFailed) throw new Ended(exitCode.failed, error.message);
      throw error;
    } finally {
      await runner.close();
    }
  }

  #sayWhetherFor(policy: Policy, system: SystemName, groupId: GroupId, text: string): void {
    const guard = stoppedBy(policy, system, groupId);
    const condition = guard === undefined ? failedCondition(policy, text, this.#rules.limits) : undefined;
    const applies = guard === undefined && condition === undefined;
    const why =
      guard !== undefined
        ? `its guard on the ${guard} does not let this one pass`
        : `its condition does not hold: ${visible(condition?.source ?? '')}`;
    this.#say(applies ? `policy ${policy.id} applies` : `policy ${policy.id} does not apply: ${why}`);
  }

  #show(received: string, { text, modifications, omitted }: Derivation): void {
    const { colour, write } = this.#output;
    const patch = difference(received, text, colour);
    if (patch !== '') write(`\n${patch.trimEnd()}\n\n`);
    for (const modification of modifications) this.#showModification(modification);
    const number = modifications.length + omitted;
    if (omitted > 0) this.#say(`and ${omitted} more`);
    this.#say(
      number === 0 ? 'nothing is modified' : `${number} ${number === 1 ? 'modification' : 'modifications'}`,
    );
  }

  #showModification({ template, path, before, after }: Modification): void {
    const { colour, write } = this.#output;
    const values = [
      ...(before === null ? [] : [paint(`- ${visible(before)}`, 'red', colour)]),
      ...(after === null ? [] : [paint(`+ ${visible(after)}`, 'green', colour)]),
    ];
    write([`${template}: ${visible(path)}`, ...values.map((value) => `  ${value}`), ''].join('\n'));
  }

  #say(line: string): void {
    this.#output.write(`${line}\n`);
  }
}

type PolicyTestCall = Extract<Asked, { command: 'policy test' }>;

/**
 * Shows what policies make of a group: the difference, and the list of modifications.
 *
 * @returns the exit code: 0 they can be applied, 1 they cannot or the result is no valid group, 65 a file
 *   is not valid, 66 a file cannot be read
 */
export async function testPolicy(call: PolicyTestCall, output: PolicyTestOutput): Promise<number> {
  try {
    await new PolicyTest(output).run(call);
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    output.writeError(`${error.message}\n`);
    return error.code;
  }
}
