import {
  BadCases,
  type CaseRequest,
  type ConformanceCase,
  type Expectation,
  type Role,
  type StateRule,
  type Suite,
} from './case-format.js';
import { NoAnswer, type Answer, type Outgoing } from './exchange.js';
import { differencesOf, mediaTypes } from './judge.js';
import { Missing, Names, NotApplicable, type Surroundings } from './names.js';

/**
 * Runs cases against a server, one after the other: set up, send, judge, look at the state, remove.
 *
 * Two things are checked without being written in a case. Whatever is refused must have changed nothing:
 * the documents of the case are read before and after. And a case writes and removes only documents
 * whose names hold its own token, so that a run on a shared server touches nothing of anybody else.
 */

export interface Failure {
  /** What was sent. */
  readonly request: string;
  /** What differs from the expectation, sentence by sentence. */
  readonly differences: readonly string[];
  /** The answer. */
  readonly got: string;
}

export interface CaseResult {
  readonly of: ConformanceCase;
  readonly outcome: 'passed' | 'failed' | 'not applicable';
  /** Why the case is not applicable. */
  readonly reason: string;
  readonly failures: readonly Failure[];
  readonly milliseconds: number;
}

/** A document that a case sends as a whole, and what schemas must say of it. */
export interface Verdict {
  readonly type: string;
  readonly body: Buffer;
  readonly expected: 'valid' | 'schema-validation-error' | 'not-well-formed' | 'not-utf-8';
}

export interface RunSettings extends Surroundings {
  readonly send: (outgoing: Outgoing) => Promise<Answer>;
  /** Header fields that say who asks. */
  readonly credentials: (role: Role) => Readonly<Record<string, string>> | undefined;
  /** AUIDs that the server offers; undefined where that is not known. */
  readonly usages: ReadonlySet<string> | undefined;
  /** A word that no other run uses. */
  readonly token: string;
  /** Whether bodies are compared as XML rather than octet for octet. */
  readonly lenient?: boolean | undefined;
  /** Called for each document of which a schema decides. */
  readonly onVerdict?: (verdict: Verdict) => void;
}

/** AUIDs that `xcap-caps` lists; undefined where it cannot be read. */
export async function usagesOf(
  settings: Pick<RunSettings, 'send' | 'root' | 'credentials'>,
): Promise<ReadonlySet<string> | undefined> {
  const target = `${new URL(settings.root).pathname.replace(/\/$/, '')}/xcap-caps/global/index`;
  const headers = settings.credentials('administrator') ?? {};
  const answer = await settings.send({ method: 'GET', target, headers, body: undefined });
  if (answer.status !== 200) return undefined;
  const auids = answer.body.toString('utf8').matchAll(/<(?:[\w-]+:)?auid>\s*([^<\s]+)\s*</g);
  return new Set([...auids].map(([, auid]) => auid ?? ''));
}

/** The part of a path that names the document. */
function documentOf(path: string): string {
  return path.replace(/\?.*$/s, '').replace(/\/(~|%7[Ee]){2}(\/.*)?$/s, '');
}

const pastWrites: ReadonlySet<string> = new Set(['PUT', 'DELETE', 'POST', 'PATCH']);

/** The verdict that a schema must give of a document for its PUT to be answered as expected. */
function verdictOf({ status, error }: Expectation): Verdict['expected'] | undefined {
  if (status === 200 || status === 201) return 'valid';
  const condition = typeof error === 'object' ? error.condition : error;
  if (condition === 'constraint-failure' || condition === 'uniqueness-failure') return 'valid';
  const refusals = ['schema-validation-error', 'not-well-formed', 'not-utf-8'] as const;
  return refusals.find((each) => each === condition);
}

function describeAnswer({ status, headers, body }: Answer): string {
  const shown = ['content-type', 'etag', 'allow'].flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [`${name}: ${String(value)}`];
  });
  const text = body.toString('utf8');
  return [String(status), ...shown, text.length > 1000 ? `${text.slice(0, 1000)}…` : text]
    .join('\n')
    .trimEnd();
}

/** One run of one case. */
class CaseRun {
  readonly #case: ConformanceCase;
  readonly #settings: RunSettings;
  readonly #names: Names;
  readonly #sent = new Map<string, Buffer>();
  readonly #written = new Set<string>();
  readonly #failures: Failure[] = [];

  constructor(of: ConformanceCase, settings: RunSettings, suite: Suite) {
    this.#case = of;
    this.#settings = settings;
    this.#names = new Names(settings.token, settings, suite);
  }

  async run(): Promise<readonly Failure[]> {
    this.#checkApplicable();
    try {
      for (const { path, type, body } of this.#case.setUp) {
        const put: CaseRequest = { method: 'PUT', path, type, body };
        const expected: Expectation = { status: [200, 201] };
        const answer = await this.#send(put, 0);
        if (!this.#judge(put, answer, expected)) return this.#failures;
        this.#reportVerdict(put, { status: 201 });
      }
      for (const request of this.#case.requests) {
        const { parallel, counts } = request;
        if (parallel === undefined || counts === undefined) await this.#single(request);
        else await this.#together(request, parallel, counts);
        // What follows a failure builds on a state that is not there.
        if (this.#failures.length > 0) break;
      }
    } finally {
      await this.#cleanUp();
    }
    return this.#failures;
  }

  #checkApplicable(): void {
    const { usages, credentials } = this.#settings;
    const absent = this.#case.needs.find((auid) => usages?.has(auid) === false);
    if (absent !== undefined) throw new NotApplicable(`the server does not offer ${absent}`);
    const role = this.#case.requests.map((each) => each.role).find((each) => each && !credentials(each));
    if (role !== undefined) throw new NotApplicable(`no identity for the role ${role}`);
    // Everything that the requests need is looked at before the first one is sent.
    for (const { path, body } of this.#case.requests) {
      if (path.includes('{fill')) this.#names.target(path);
      if (typeof body === 'object' && body.pad !== undefined) this.#names.bytes(body);
    }
  }

  async #single(request: CaseRequest): Promise<void> {
    const { expect, save } = request;
    if (expect === undefined) return;
    const refused = [expect.status].flat().every((status) => status >= 400);
    const watched = refused && pastWrites.has(request.method) ? this.#documents(request) : [];
    const before = await Promise.all(watched.map((path) => this.#read(path)));
    const answer = await this.#send(request, 0);
    if (save !== undefined) this.#names.save(save, answer);
    this.#judge(request, answer, expect);
    this.#reportVerdict(request, expect);
    for (const [index, path] of watched.entries()) {
      const [former, now] = [before[index], await this.#read(path)];
      if (former !== undefined && !unchanged(former, now)) {
        this.#fail(request, [`a refused request should change nothing, but ${path} is another`], now);
      }
    }
    for (const rule of expect.state ?? []) await this.#judgeState(request, answer, rule);
  }

  async #together(
    request: CaseRequest,
    parallel: number,
    counts: Readonly<Record<string, number>>,
  ): Promise<void> {
    const indices = Array.from({ length: parallel }, (_, index) => index + 1);
    const answers = await Promise.all(indices.map((index) => this.#send(request, index)));
    const keyOf = (status: number): string =>
      Object.keys(counts).find((key) => key.split('|').includes(String(status))) ?? String(status);
    const found: Record<string, number> = {};
    for (const { status } of answers) found[keyOf(status)] = (found[keyOf(status)] ?? 0) + 1;
    const spell = (of: Readonly<Record<string, number>>): string =>
      Object.entries(of)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([status, count]) => `${count} × ${status.replaceAll('|', ' or ')}`)
        .join(', ');
    if (spell(found) !== spell(counts)) {
      const odd = answers.find(({ status }) => !(keyOf(status) in counts));
      const difference = `the statuses should be ${spell(counts)}; they are ${spell(found)}`;
      this.#fail(request, [difference], odd ?? answers[0]);
    }
  }

  /** The documents that a refused request must leave alone, as request paths. */
  #documents({ path }: CaseRequest): readonly string[] {
    const own = documentOf(path);
    const set = this.#case.setUp.map((document) => document.path);
    return [...new Set([...set, ...(own.startsWith('/') ? [own] : [])])];
  }

  #outgoing(request: CaseRequest, index: number): Outgoing {
    const { method, path, role = 'administrator', headers = {}, type, body } = request;
    const fields: Record<string, string | readonly string[]> = { ...this.#settings.credentials(role) };
    if (type !== undefined) fields['Content-Type'] = this.#names.fill(mediaTypes[type] ?? type);
    for (const [name, value] of Object.entries(headers)) {
      fields[name] =
        typeof value !== 'string'
          ? value.map((each) => this.#names.fill(each, index))
          : this.#names.fill(value, index);
    }
    return {
      method,
      target: this.#names.target(path, index),
      headers: fields,
      body: body === undefined ? undefined : this.#names.bytes(body, index),
    };
  }

  async #send(request: CaseRequest, index: number): Promise<Answer> {
    const outgoing = this.#outgoing(request, index);
    if (request.save !== undefined && outgoing.body !== undefined)
      this.#sent.set(request.save, outgoing.body);
    if (request.method === 'PUT') this.#written.add(this.#names.fill(documentOf(request.path), index));
    try {
      return await this.#settings.send(outgoing);
    } catch (error) {
      if (error instanceof NoAnswer) this.#fail(request, [error.message], undefined);
      throw error;
    }
  }

  async #read(path: string): Promise<Answer> {
    return await this.#send({ method: 'GET', path }, 0);
  }

  #judge(request: CaseRequest, answer: Answer, expected: Expectation): boolean {
    let differences: readonly string[];
    try {
      differences = differencesOf(answer, expected, {
        names: this.#names,
        sent: this.#sent,
        lenient: this.#settings.lenient === true,
      });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      differences = [error.message];
    }
    if (differences.length > 0) this.#fail(request, differences, answer);
    return differences.length === 0;
  }

  async #judgeState(request: CaseRequest, answer: Answer, { path, is }: StateRule): Promise<void> {
    const read = path ?? documentOf(request.path);
    const now = await this.#read(read);
    const expected: Expectation =
      is === null
        ? { status: 404 }
        : { status: 200, body: is, ...(answer.headers.etag !== undefined && { headers: tagOf(answer) }) };
    this.#judge({ method: 'GET', path: read }, now, expected);
  }

  #reportVerdict(request: CaseRequest, expected: Expectation): void {
    const { method, path, type, body } = request;
    const { onVerdict } = this.#settings;
    const whole = method === 'PUT' && documentOf(path) === path.replace(/\?.*$/s, '');
    if (onVerdict === undefined || this.#case.verdicts === false || !whole) return;
    const verdict = verdictOf(expected);
    if (verdict === undefined || body === undefined || type === undefined) return;
    onVerdict({
      type: essenceOf(mediaTypes[type] ?? type),
      body: this.#names.bytes(body),
      expected: verdict,
    });
  }

  #fail(request: CaseRequest, differences: readonly string[], answer: Answer | undefined): void {
    let sent = `${request.method} ${request.path}`;
    try {
      const { method, target, headers, body } = this.#outgoing(request, 0);
      const fields = Object.entries(headers)
        .filter(([name]) => name !== 'Authorization')
        .map(([name, value]) => `\n${name}: ${String(value)}`);
      const text = body === undefined ? '' : body.toString('utf8');
      sent = `${method} ${target}${fields.join('')}${text === '' ? '' : `\n\n${text.slice(0, 1000)}`}`;
    } catch (error) {
      if (error instanceof BadCases) throw error;
      // It could not be written: its path must do.
    }
    const got = answer === undefined ? 'no answer' : describeAnswer(answer);
    this.#failures.push({ request: sent, differences, got });
  }

  /** Removes what the case has written, and nothing whose name is not of its making. */
  async #cleanUp(): Promise<void> {
    for (const path of this.#case.cleanUp ?? []) {
      try {
        this.#written.add(this.#names.fill(path));
      } catch (error) {
        // What would have been made with an earlier answer was not made.
        if (!(error instanceof Missing)) throw error;
      }
    }
    for (const path of this.#written) {
      if (!path.includes(this.#settings.token)) continue;
      try {
        const target = this.#names.target(path);
        const headers = this.#settings.credentials('administrator') ?? {};
        await this.#settings.send({ method: 'DELETE', target, headers, body: undefined });
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
      }
    }
  }
}

function essenceOf(type: string): string {
  return (type.split(';')[0] ?? '').trim().toLowerCase();
}

function tagOf({ headers }: Answer): Record<string, string> {
  return headers.etag === undefined ? {} : { ETag: headers.etag };
}

function unchanged(former: Answer, now: Answer): boolean {
  const same = former.status === now.status && former.headers.etag === now.headers.etag;
  return same && (now.status !== 200 || former.body.equals(now.body));
}

/** Runs one case. @throws BadCases where the case contradicts itself */
export async function runCase(of: ConformanceCase, settings: RunSettings, suite: Suite): Promise<CaseResult> {
  const start = performance.now();
  const result = (
    outcome: CaseResult['outcome'],
    reason: string,
    failures: readonly Failure[],
  ): CaseResult => ({
    of,
    outcome,
    reason,
    failures,
    milliseconds: performance.now() - start,
  });
  const run = new CaseRun(of, settings, suite);
  try {
    const failures = await run.run();
    return result(failures.length === 0 ? 'passed' : 'failed', '', failures);
  } catch (error) {
    if (error instanceof NotApplicable) return result('not applicable', error.message, []);
    if (error instanceof BadCases) throw new BadCases(`${of.id}: ${error.message}`);
    if (!(error instanceof NoAnswer) && !(error instanceof Missing)) throw error;
    const failure = { request: of.id, differences: [error.message], got: 'no answer' };
    return result('failed', '', [failure]);
  }
}

/** Runs cases in their order, each with a token of its own. */
export async function runAll(
  cases: readonly ConformanceCase[],
  settings: RunSettings,
  suite: Suite,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const [index, each] of cases.entries()) {
    results.push(await runCase(each, { ...settings, token: `${settings.token}${index}x` }, suite));
  }
  return results;
}
