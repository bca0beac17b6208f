import { Worker } from 'node:worker_threads';
import { BoundedCache, entryWeight, weightOfText } from '../base/bounded-cache.js';
import { systemClock, type Clock } from '../base/clock.js';
import { describeError } from '../base/errors.js';
import type { SystemName } from '../base/identifiers.js';
import { youngHeap } from '../base/side-threads.js';
import { Turns } from '../base/turns.js';
import { XmlRefused } from '../xml/refusal.js';
import type { ScanLimits } from '../xml/scan.js';
import { policiesFor, stepsOf, type Derivation, type ReceivedDocument } from './derive.js';
import { PolicyFailed, PolicyInvalid } from './language/errors.js';
import type { Policy } from './language/policy.js';
import { parsePolicy } from './language/read-policy.js';
import { WorkTime } from './work-time.js';
import type { WorkerMessage, WorkerRequest } from './worker.js';

/**
 * Applies policies in a worker thread, one document at a time, each within a deadline (design D8).
 *
 * An expression can take longer than a client waits, and the engine that evaluates it cannot be
 * interrupted from within. So it runs in a thread of its own: at the deadline that worker is ended, whatever
 * it does, and a fresh one takes over. The same happens after any failure that is not the policy's,
 * because the engine may be left in an unknown state. Only time in which the worker could work counts
 * (work-time.ts).
 *
 * Documents of different systems are served by turns, so that one with many slow documents makes only itself
 * wait. A document that waited for longer than its sender does is dropped: nobody would hear of the work.
 *
 * A document without a matching policy never gets here. The worker is kept between documents; it keeps the
 * process alive only while it works.
 */

/** Policies that took long over a document. */
export interface SlowPolicy {
  readonly input: ReceivedDocument;
  /** The policy or template that took longest, such as `template guests/priority`. */
  readonly step: string;
  /** What the policies took in all. */
  readonly milliseconds: number;
  /** Whether they were ended, because their time was up. */
  readonly ended: boolean;
}

export interface PolicyRunnerOptions {
  /** Milliseconds of work that the policies may take over one document. */
  readonly deadline: number;
  /** What a document may hold, before and after. */
  readonly limits: ScanLimits;
  /** How many documents may wait. */
  readonly queue?: number;
  /** How many documents of one system may wait. */
  readonly queueOfOne?: number;
  /** How many characters of documents may wait, of one system and in all. The first of each may wait in any case. */
  readonly queueCharacters?: { readonly each: number; readonly all: number };
  /** Milliseconds for which a document waits at most for its turn. */
  readonly patience?: number;
  readonly clock?: Clock;
  /** Hears of policies that took at least half of their time, or all of it. */
  readonly onSlow?: (slow: SlowPolicy) => void;
  /** The worker's module; tests put another in its place. */
  readonly script?: URL;
}

interface Job {
  readonly request: Omit<WorkerRequest, 'progress'>;
  readonly resolve: (derivation: Derivation) => void;
  readonly reject: (error: PolicyFailed) => void;
  /** Ends the watch over how long it waits. */
  stopWaiting: () => void;
}

const defaultQueue = 1000;
const defaultQueueOfOne = 64;
const defaultQueueCharacters = { each: 16 * 1024 * 1024, all: 64 * 1024 * 1024 };
const defaultPatience = 10_000;

/** Bytes of memory that the parsed forms of policies take at most. */
const parsedKept = 32 * 1024 * 1024;

/** Bytes that the parsed form takes for each character, at most: about six where all templates are short. */
const parsedWeight = 8;

/** Megabytes of objects after which a worker is ended; the engine's own memory is bounded by its build. */
const heapLimit = 256;

/** Applies policies in its worker. */
export class PolicyRunner {
  readonly #deadline: number;
  readonly #limits: ScanLimits;
  readonly #patience: number;
  readonly #clock: Clock;
  readonly #script: URL;
  readonly #onSlow: (slow: SlowPolicy) => void;
  readonly #progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #parsed = new BoundedCache<string, Policy>(parsedKept);
  readonly #waiting: Turns<SystemName, Job>;
  #worker: Worker | undefined;
  #ready = false;
  #running: Job | undefined;
  #time: WorkTime | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: PolicyRunnerOptions) {
    this.#deadline = options.deadline;
    this.#limits = options.limits;
    this.#patience = options.patience ?? defaultPatience;
    this.#waiting = new Turns({
      each: options.queueOfOne ?? defaultQueueOfOne,
      all: options.queue ?? defaultQueue,
      weight: options.queueCharacters ?? defaultQueueCharacters,
    });
    this.#clock = options.clock ?? systemClock;
    this.#onSlow = options.onSlow ?? (() => undefined);
    this.#script = options.script ?? new URL('./worker.js', import.meta.url);
  }

  /**
   * The effective document for `input` under the policies in `texts`, which are valid policy documents.
   *
   * @throws PolicyFailed where a policy cannot be applied, with reason `deadline` where it takes too
   *   long, `busy` where too many documents wait or it waited for too long, `closed` or `crash` where the runner is at fault
   */
  async run(input: ReceivedDocument, texts: readonly string[]): Promise<Derivation> {
    if (this.#closed) throw new PolicyFailed('closed', 'the policy runner is closed');
    const policies = policiesFor(
      texts.map((text) => this.#parse(text)),
      input.system,
      input.groupId,
    );
    if (policies.length === 0) return { text: input.text, modifications: [], omitted: 0 };
    return await new Promise((resolve, reject) => {
      const request = { input, policies, limits: this.#limits };
      const job: Job = { request, resolve, reject, stopWaiting: () => undefined };
      if (!this.#waiting.add(input.system, job, input.text.length)) {
        const message = `too many documents wait for their policy already, ${this.#waiting.size} in all`;
        reject(new PolicyFailed('busy', message));
        return;
      }
      this.#next();
      this.#watch(job);
    });
  }

  /** Ends the worker; what is waiting or under way fails with reason `closed`. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = new PolicyFailed('closed', 'the policy runner was closed');
    this.#running?.reject(error);
    this.#endWorker();
    this.#failWaiting(error);
    await this.#ended;
  }

  /** Drops `job` where it still waits when the patience of its sender ends. */
  #watch(job: Job): void {
    const { system } = job.request.input;
    if (this.#running === job || this.#waiting.size === 0) return;
    job.stopWaiting = this.#clock.schedule(this.#patience, () => {
      if (!this.#waiting.remove(system, job)) return;
      job.reject(new PolicyFailed('busy', `its turn did not come within ${this.#patience} ms`));
      this.#next();
    });
  }

  #takeWaiting(): Job | undefined {
    const job = this.#waiting.next();
    job?.stopWaiting();
    return job;
  }

  #failWaiting(error: PolicyFailed): void {
    for (const { reject, stopWaiting } of this.#waiting.takeAll()) {
      stopWaiting();
      reject(error);
    }
  }

  #parse(text: string): Policy {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    try {
      const policy = parsePolicy(text);
      this.#parsed.set(text, policy, entryWeight + weightOfText(text) + parsedWeight * text.length);
      return policy;
    } catch (error) {
      if (!(error instanceof PolicyInvalid || error instanceof XmlRefused)) throw error;
      throw new PolicyFailed('invalid', error.message);
    }
  }

  /** Gives the worker the next document, once there is one and the worker is free. */
  #next(): void {
    if (this.#running !== undefined) return;
    if (this.#waiting.size === 0) {
      this.#worker?.unref();
      return;
    }
    const worker = this.#worker ?? this.#startWorker();
    if (worker === undefined) return;
    worker.ref();
    if (!this.#ready) return;
    const job = this.#takeWaiting();
    if (job === undefined) return;
    this.#running = job;
    Atomics.store(this.#progress, 0, 0);
    this.#time = new WorkTime(this.#clock, this.#deadline, () => {
      const step = stepsOf(job.request.policies)[Atomics.load(this.#progress, 0)] ?? 'the policy';
      this.#tellIfSlow(job, step, true);
      this.#giveUp(new PolicyFailed('deadline', `${step} took longer than ${this.#deadline} ms`));
    });
    worker.postMessage({ ...job.request, progress: this.#progress } satisfies WorkerRequest);
  }

  /** Ends the count of the time of `job`. */
  #tellIfSlow(job: Job, step: string, ended: boolean): void {
    const milliseconds = Math.round(this.#time?.stop() ?? 0);
    this.#time = undefined;
    if (!ended && milliseconds < this.#deadline / 2) return;
    this.#onSlow({ input: job.request.input, step, milliseconds, ended });
  }

  /** Starts a worker, and makes it the present one. Where there can be none, everything that waits fails. */
  #startWorker(): Worker | undefined {
    try {
      return (this.#worker = this.#createWorker());
    } catch (error) {
      const message = `no policy worker can be started: ${describeError(error)}`;
      this.#failWaiting(new PolicyFailed('crash', message));
      return undefined;
    }
  }

  #createWorker(): Worker {
    // The worker inherits neither arguments nor environment.
    const worker = new Worker(this.#script, {
      argv: [],
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: heapLimit, maxYoungGenerationSizeMb: youngHeap },
    });
    worker.on('message', (message: WorkerMessage) => {
      if (worker === this.#worker) this.#receive(message);
    });
    let cause = 'it ended';
    worker.on('error', (error) => {
      cause = describeError(error);
    });
    worker.on('exit', () => {
      if (worker === this.#worker)
        this.#giveUp(new PolicyFailed('crash', `the policy worker failed: ${cause}`));
    });
    return worker;
  }

  #receive(message: WorkerMessage): void {
    if (message.kind === 'ready') {
      this.#ready = true;
      this.#next();
      return;
    }
    if (message.kind === 'failed' && message.reason === 'crash') {
      this.#giveUp(new PolicyFailed('crash', `the policy worker failed: ${message.message}`));
      return;
    }
    if (this.#running !== undefined) this.#tellIfSlow(this.#running, message.slowest, false);
    const job = this.#finish();
    if (message.kind === 'done') job?.resolve(message.derivation);
    else job?.reject(new PolicyFailed(message.reason, message.message));
    this.#next();
  }

  /** Fails the document under way, or else the first that waits, and goes on with a fresh worker. */
  #giveUp(error: PolicyFailed): void {
    const job = this.#finish() ?? this.#takeWaiting();
    this.#endWorker();
    job?.reject(error);
    if (error.reason === 'deadline') this.#startWorker();
    this.#next();
  }

  #finish(): Job | undefined {
    this.#time?.stop();
    this.#time = undefined;
    const job = this.#running;
    this.#running = undefined;
    return job;
  }

  #endWorker(): void {
    this.#time?.stop();
    this.#time = undefined;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    this.#running = undefined;
    if (worker === undefined) return;
    worker.unref();
    this.#ended = Promise.all([this.#ended, worker.terminate()]);
  }
}
