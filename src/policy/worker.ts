import { parentPort } from 'node:worker_threads';
import { describeError } from '../base/errors.js';
import type { ScanLimits } from '../xml/scan.js';
import { derive, type Derivation, type ReceivedDocument } from './derive.js';
import { PolicyFailed, type PolicyFailure } from './language/errors.js';
import type { Policy } from './language/policy.js';

/**
 * The worker thread in which policies are applied: a loop of one request, one answer. It says `ready`
 * once it has loaded the XML engine, so that the start does not count against a deadline.
 */

export interface WorkerRequest {
  readonly input: ReceivedDocument;
  readonly policies: readonly Policy[];
  readonly limits: ScanLimits;
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly derivation: Derivation }
  | { readonly kind: 'failed'; readonly reason: PolicyFailure; readonly message: string };

function answer({ input, policies, limits }: WorkerRequest): WorkerMessage {
  try {
    return { kind: 'done', derivation: derive(input, policies, limits) };
  } catch (error) {
    const reason = error instanceof PolicyFailed ? error.reason : 'crash';
    return { kind: 'failed', reason, message: describeError(error) };
  }
}

// The engine prints every expression that fails. The failure is reported, so nothing must be printed.
process.stderr.write = () => true;

parentPort?.on('message', (request: WorkerRequest) => {
  parentPort?.postMessage(answer(request));
});
parentPort?.postMessage({ kind: 'ready' } satisfies WorkerMessage);
