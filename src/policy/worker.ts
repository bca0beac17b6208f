import { parentPort } from 'node:worker_threads';
import { describeError } from '../base/errors.js';
import { standBack } from '../base/side-threads.js';
import type { ScanLimits } from '../xml/scan.js';
import { derive, stepsOf, type Derivation, type ReceivedDocument } from './derive.js';
import { PolicyFailed, type PolicyFailure } from './language/errors.js';
import type { Policy } from './language/policy.js';

/**
 * The worker thread in which policies are applied: a loop of one request, one answer. It says `ready`
 * once it has loaded the XML engine, so that the start does not count against a deadline.
 *
 * While it works it says which step it is at in memory that it shares with the runner: it answers no question
 * before it has finished, and a runaway step must be named all the same.
 */

export interface WorkerRequest {
  readonly input: ReceivedDocument;
  readonly policies: readonly Policy[];
  readonly limits: ScanLimits;
  /** One number, shared: the present step, as an index into `stepsOf(policies)`. */
  readonly progress: Int32Array;
}

export type WorkerMessage =
  | { readonly kind: 'ready' }
  /** `slowest` is the step that took longest. */
  | { readonly kind: 'done'; readonly derivation: Derivation; readonly slowest: string }
  | {
      readonly kind: 'failed';
      readonly reason: PolicyFailure;
      readonly message: string;
      readonly slowest: string;
    };

/** Which steps there were, and which of them took longest. */
class Steps {
  readonly #indices: ReadonlyMap<string, number>;
  readonly #progress: Int32Array;
  #present = '';
  #began = 0;
  #slowest = '';
  #longest = -1;

  constructor({ policies, progress }: WorkerRequest) {
    this.#indices = new Map(stepsOf(policies).map((step, index) => [step, index]));
    this.#progress = progress;
  }

  begin(step: string): void {
    this.#end();
    Atomics.store(this.#progress, 0, this.#indices.get(step) ?? 0);
    this.#present = step;
    this.#began = performance.now();
  }

  /** The slowest step, the present one among them. */
  slowest(): string {
    this.#end();
    return this.#slowest;
  }

  #end(): void {
    const took = performance.now() - this.#began;
    if (this.#present === '' || took <= this.#longest) return;
    this.#slowest = this.#present;
    this.#longest = took;
  }
}

function answer(request: WorkerRequest): WorkerMessage {
  const { input, policies, limits } = request;
  const steps = new Steps(request);
  try {
    const derivation = derive(input, policies, limits, (step) => {
      steps.begin(step);
    });
    return { kind: 'done', derivation, slowest: steps.slowest() };
  } catch (error) {
    const reason = error instanceof PolicyFailed ? error.reason : 'crash';
    return { kind: 'failed', reason, message: describeError(error), slowest: steps.slowest() };
  }
}

// The engine prints every expression that fails. The failure is reported, so nothing must be printed.
process.stderr.write = () => true;

standBack();
parentPort?.on('message', (request: WorkerRequest) => {
  parentPort?.postMessage(answer(request));
});
parentPort?.postMessage({ kind: 'ready' } satisfies WorkerMessage);
