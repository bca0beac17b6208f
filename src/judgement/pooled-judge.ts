import { availableParallelism } from 'node:os';
import { Tinypool } from 'tinypool';
import { describeError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { ServiceUnavailable } from '../base/refusals.js';
import { youngHeap } from '../base/side-threads.js';
import { Turnstile } from '../base/turnstile.js';
import {
  JudgeHere,
  sizeOf,
  type Draft,
  type Judge,
  type Judged,
  type JudgeTools,
  type Sender,
} from '../documents/judgement.js';
import type { ClaimedValue, DocumentRules } from '../xcap/usage.js';
import type { GatedText } from '../xml/gate.js';
import { fromData } from './refusal-data.js';
import type { Outcome, Results, Task, WorkerSettings } from './worker.js';

/**
 * Judges small documents in this thread, which is done in some milliseconds, and large ones in workers, so that they
 * hold up nobody (design D21). Workers are started for the first large document, kept, and replaced where one ends.
 * Whoever sends many large documents waits for himself: workers are given out by turns of the senders.
 */

/** Characters or octets that are judged in this thread, in some milliseconds at most. */
const largestHere = 64 * 1024;

/** Megabytes of heap for one worker: several times what the worst document of 1 MiB takes. */
const heapOfWorker = 192;

/** How long a worker without work is kept, in milliseconds: its schemas are compiled. */
const idleTimeout = 60_000;

/** Seconds after which a sender may try again where a worker ended. */
const retryAfter = 5;

interface Settings extends Omit<WorkerSettings, 'limits'> {
  /** How many workers there are at most. */
  readonly workers?: number;
  /** Characters or octets that are judged in this thread. */
  readonly here?: number;
  /** Megabytes of heap for one worker. */
  readonly heap?: number;
}

type TaskOf<K extends Task['kind']> = Extract<Task, { readonly kind: K }>;

/** One processor is left to this thread, and no site has so many large documents that more than four help. */
function usualWorkers(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1));
}

export class PooledJudge implements Judge {
  readonly #here: JudgeHere;
  readonly #settings: WorkerSettings;
  readonly #workers: number;
  readonly #largestHere: number;
  readonly #heap: number;
  readonly #turnstile: Turnstile<string>;
  readonly #log: Log;
  #pool: Tinypool | undefined;
  readonly #end = new AbortController();

  constructor(
    tools: JudgeTools & { readonly log: Log },
    { workers = usualWorkers(), here = largestHere, heap = heapOfWorker, ...settings }: Settings,
  ) {
    this.#here = new JudgeHere(tools);
    this.#settings = { ...settings, limits: tools.limits };
    this.#workers = workers;
    this.#largestHere = here;
    this.#heap = heap;
    this.#turnstile = new Turnstile(workers);
    this.#log = tools.log;
  }

  async judge(rules: DocumentRules, draft: Draft, sender: Sender, treeOf?: () => GatedText): Promise<Judged> {
    if (sizeOf(draft) <= this.#largestHere) return this.#here.judge(rules, draft, sender, treeOf);
    return await this.#perform<'judge'>({ kind: 'judge', auid: rules.auid, draft }, sender);
  }

  async claimed(
    rules: DocumentRules,
    judged: Pick<Judged, 'text' | 'gated'>,
    taken: readonly string[],
    sender: Sender,
  ): Promise<readonly ClaimedValue[]> {
    const { text } = judged;
    if (text.length <= this.#largestHere) return this.#here.claimed(rules, judged, taken);
    return await this.#perform<'claimed'>({ kind: 'claimed', auid: rules.auid, text, taken }, sender);
  }

  async collected(
    rules: DocumentRules,
    text: string,
    sender: Sender,
    treeOf?: () => GatedText,
  ): Promise<readonly string[]> {
    if (text.length <= this.#largestHere) return this.#here.collected(rules, text, sender, treeOf);
    return await this.#perform<'collected'>({ kind: 'collected', auid: rules.auid, text }, sender);
  }

  /** Ends the workers; what waits for them is refused. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#pool?.destroy();
  }

  /** @throws RequestRefused */
  async #perform<K extends Task['kind']>(task: TaskOf<K>, { by, gone }: Sender): Promise<Results[K]> {
    const signal = gone?.();
    const leave = await this.#turnstile.enter(by);
    try {
      if (signal?.aborted === true) throw new ServiceUnavailable('nobody waits for the answer', 1);
      const outcome = await this.#run(task);
      if ('refusal' in outcome) throw fromData(outcome.refusal);
      return outcome.result;
    } finally {
      leave();
    }
  }

  /** @throws ServiceUnavailable where the worker ended */
  async #run<K extends Task['kind']>(task: TaskOf<K>): Promise<Outcome<K>> {
    if (this.#hasEnded()) throw new ServiceUnavailable('the server ends', retryAfter);
    try {
      this.#pool ??= this.#openPool();
      return (await this.#pool.run(task)) as Outcome<K>;
    } catch (error) {
      const reason = describeError(error);
      if (!this.#hasEnded())
        this.#log.error({ usage: task.auid, reason }, 'a large document could not be judged');
      throw new ServiceUnavailable('the document cannot be judged at present', retryAfter, reason);
    }
  }

  #hasEnded(): boolean {
    return this.#end.signal.aborted;
  }

  #openPool(): Tinypool {
    return new Tinypool({
      filename: new URL('worker.js', import.meta.url).href,
      name: 'perform',
      // A worker inherits neither arguments nor environment.
      argv: [],
      env: {},
      execArgv: [],
      minThreads: 0,
      maxThreads: this.#workers,
      idleTimeout,
      resourceLimits: { maxOldGenerationSizeMb: this.#heap, maxYoungGenerationSizeMb: youngHeap },
      workerData: this.#settings,
    });
  }
}
