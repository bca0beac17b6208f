import { describeError } from '../../base/errors.js';
import { urlHost } from '../../base/uri.js';
import { defaultConfig, loadConfig, type Config } from '../../gms/config.js';
import { bytesOf, NoAnswer, OutboundClient, type OutboundAnswer } from '../../outbound/client.js';
import { essence } from '../../xcap/media-types.js';
import type { OperatorCall } from '../commands.js';
import { Ended, exitCode } from '../exit.js';
import { visible } from '../table.js';
import { shown } from './text.js';

/**
 * The operator's commands: they ask a server that runs, over HTTP, as one of its administrators, and show
 * what it answers as text for people or, with `--json`, as it came.
 */

export interface OperateOutput {
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** Which server is asked, and as whom. */
interface Target {
  /** URL of the resources for operators, without a slash at its end. */
  readonly base: string;
  readonly identity: string;
  /** Milliseconds. */
  readonly deadline: number;
}

/** What is sent for a command. */
interface Asked {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string;
}

/** How many groups `mcgms peers NAME` shows of each kind. */
const shownGroups = 1000;

/** Milliseconds that a server has beyond its own deadline for long operations. */
const patience = 30_000;

const answerBytes = 64 * 1024 * 1024;

/**
 * Carries out one command of the operator.
 *
 * @returns the exit code: 0 done, 1 something failed or differs, 2 which server to ask, or as whom, is not clear
 * @throws ConfigurationError where the configuration file is wrong
 */
export async function operate(call: OperatorCall, output: OperateOutput): Promise<number> {
  try {
    const config = call.config === undefined ? defaultConfig() : await loadConfig(call.config);
    const text = await ask(targetOf(call, config), requestOf(call));
    const { lines, code } = shown(call, JSON.parse(text));
    output.write(call.json ? text : lines);
    return code;
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    output.writeError(`mcgms: ${error.message}\n`);
    return error.code;
  }
}

function targetOf({ server, as, repair }: OperatorCall, { http, identity, interconnection }: Config): Target {
  const administrator = as ?? identity.administrators[0];
  if (administrator === undefined) {
    throw new Ended(exitCode.operatorUsage, 'the configuration names no administrator: give --as IDENTITY');
  }
  // A repair compares, asks again and fetches, each within the server's deadline.
  const deadline = interconnection.operationDeadline * (repair ? 3 : 1) + patience;
  if (server !== undefined) {
    const url = new URL(server);
    const path = url.pathname === '/' ? http.operations : url.pathname.replace(/\/$/, '');
    return { base: `${url.origin}${path}`, identity: administrator, deadline };
  }
  if (http.port === 0) {
    throw new Ended(
      exitCode.operatorUsage,
      'the configuration lets the server take any port: give --server URL',
    );
  }
  const host =
    ({ '0.0.0.0': '127.0.0.1', '::': '::1' } as Readonly<Record<string, string>>)[http.host] ?? http.host;
  const base = `http://${urlHost(host)}:${http.port}${http.operations}`;
  return { base, identity: administrator, deadline };
}

function requestOf(call: OperatorCall): Asked {
  const peer = call.peer === undefined ? '' : encodeURIComponent(call.peer);
  const group = call.group === undefined ? '' : encodeURIComponent(call.group);
  const body = call.group === undefined ? {} : { body: JSON.stringify({ group: call.group }) };
  switch (call.action) {
    case 'peers':
      if (call.peer === undefined) return { method: 'GET', path: 'peers' };
      return { method: 'GET', path: `peers/${peer}?limit=${shownGroups}` };
    case 'share':
      return { method: 'PUT', path: `shares/${group}/${peer}` };
    case 'unshare':
      return { method: 'DELETE', path: `shares/${group}/${peer}` };
    case 'retry':
    case 'resend':
    case 'refetch':
    case 'accept-removals':
      return { method: 'POST', path: `peers/${peer}/${call.action}`, ...body };
    case 'verify':
      if (call.repair) return { method: 'POST', path: `peers/${peer}/repair` };
      return { method: 'GET', path: `peers/${peer}/verify` };
    case 'forget':
      return { method: 'DELETE', path: `peers/${peer}` };
  }
}

/** The server's answer, which is JSON. @throws Ended where there is none, or it refuses */
async function ask({ base, identity, deadline }: Target, { method, path, body }: Asked): Promise<string> {
  const client = new OutboundClient({ deadline, answerBytes });
  let answer: OutboundAnswer;
  let text: string;
  try {
    answer = await client.send({
      lane: { to: base, purpose: 'operation' },
      method,
      url: `${base}/${path}`,
      headers: {
        Accept: 'application/json, application/problem+json',
        'X-3GPP-Asserted-Identity': identity,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    });
    text = bytesOf(answer).toString('utf8');
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new Ended(exitCode.failed, `no server answers at ${base}: ${describeError(error)}`);
  } finally {
    client.close();
  }
  const type = essence(answer.headers['content-type'] ?? '');
  if (answer.status >= 200 && answer.status < 300 && type === 'application/json') return text;
  const detail =
    type === 'application/problem+json' ? (JSON.parse(text) as { detail?: unknown }).detail : undefined;
  const why = typeof detail === 'string' ? visible(detail) : 'no answer of such a server';
  throw new Ended(exitCode.failed, `${base} answers ${answer.status}: ${why}`);
}
