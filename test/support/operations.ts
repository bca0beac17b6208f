import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { send, type RawAnswer } from './raw-http.js';
import type { TestSystem } from './system.js';

/** Requests of operators, and the audit log, for tests. */

export interface OperatorRequest {
  readonly as: string | undefined;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request to a path below the resources for operators. */
export async function operations(
  system: TestSystem,
  method: string,
  path: string,
  { as, body, headers = {} }: OperatorRequest,
): Promise<RawAnswer> {
  const asserted = as === undefined ? {} : { 'X-3GPP-Asserted-Identity': as };
  return await send(system.port, {
    method,
    target: `/operations${path}`,
    headers: { ...asserted, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

/** The JSON value of an answer with this status. */
export function jsonOf(answer: RawAnswer, status = 200): unknown {
  expect(answer.status, answer.text).to.equal(status);
  expect(answer.headers['content-type']).to.equal('application/json');
  expect(answer.headers['cache-control']).to.equal('no-store');
  return JSON.parse(answer.text);
}

/** Expects problem details (RFC 9457) of this status; gives the detail. */
export function problemOf(answer: RawAnswer, status: number): string {
  expect(answer.status, answer.text).to.equal(status);
  expect(answer.headers['content-type']).to.equal('application/problem+json');
  expect(answer.headers['cache-control']).to.equal('no-store');
  const problem = JSON.parse(answer.text) as Readonly<Record<string, unknown>>;
  expect(problem).to.have.all.keys('type', 'title', 'status', 'detail');
  expect(problem).to.include({ type: 'about:blank', status });
  return String(problem['detail']);
}

/** The lines of a closed system's audit log. */
export async function auditOf(system: TestSystem): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(system.folder, 'data', 'audit.jsonl'), 'utf8');
  expect(text.endsWith('\n'), 'the last line is whole').to.equal(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
