import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { derive, type ReceivedDocument } from '../../../src/policy/derive.js';
import { PolicyFailed } from '../../../src/policy/language/errors.js';
import { PolicyRunner, type PolicyRunnerOptions, type SlowPolicy } from '../../../src/policy/runner.js';
import type { Clock, MonotonicTime, WallTime } from '../../../src/base/clock.js';
import type { SystemName } from '../../../src/base/identifiers.js';
import { limits } from '../../support/limits.js';
import { ManualClock } from '../../support/manual-clock.js';
import { accepted, fromA, policyText, read } from './policy-fixtures.js';

const input = fromA(read('policies/cases/priority-clamped/received.xml'));
const clamp = read('policies/cases/priority-clamped/policy.xml');
const effective = read('policies/cases/priority-clamped/effective.xml');

/** Every element counted for every element for every element: hours on a few thousand of them. */
const runaway = policyText(
  '<template id="runaway" match="//*[count(//*[count(//*) > 0]) > 0]"><remove/></template>',
);

const large: ReceivedDocument = {
  ...input,
  text:
    '<group xmlns="urn:oma:xml:poc:list-service"><list-service uri="sip:large@a.example"><list>' +
    Array.from({ length: 5000 }, (_, i) => `<entry uri="sip:${i}@a.example"/>`).join('') +
    '</list></list-service></group>',
};

async function failureOf(run: Promise<unknown>): Promise<PolicyFailed> {
  try {
    await run;
  } catch (error) {
    if (error instanceof PolicyFailed) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('The policy runner (design D8)', () => {
  const runners: PolicyRunner[] = [];
  const create = (options: Partial<PolicyRunnerOptions> = {}): PolicyRunner => {
    const runner = new PolicyRunner({ deadline: 5000, limits, ...options });
    runners.push(runner);
    return runner;
  };

  afterEach(async () => {
    await Promise.all(runners.splice(0).map((runner) => runner.close()));
  });

  it('derives in a worker what is derived here', async () => {
    const runner = create();
    const derivation = await runner.run(input, [clamp]);
    expect(derivation).to.deep.equal(derive(input, [accepted(clamp)], limits));
    expect(derivation.text).to.equal(effective);
  });

  it('answers many documents, each with its own result', async () => {
    const runner = create();
    const inputs = Array.from({ length: 20 }, (_, i) => ({
      ...input,
      text: input.text.replace('200', String(i)),
    }));
    const results = await Promise.all(inputs.map((one) => runner.run(one, [clamp])));
    results.forEach(({ text }, i) => {
      expect(text).to.include(`priority>${Math.min(i, 6)}<`);
    });
  });

  it('needs no worker where no policy is for the document', async () => {
    const runner = create({ script: new URL('file:///nothing/there.js') });
    expect(await runner.run(input, [])).to.deep.equal({ text: input.text, modifications: [], omitted: 0 });
    const other = { ...input, system: 'z' as SystemName };
    expect((await runner.run(other, [read('demo/policy-b.xml')])).text).to.equal(input.text);
  });

  it('tells why a policy failed', async () => {
    const failing = policyText(
      '<template id="t" match="ls:list-service" protected="override"><remove/></template>',
    );
    const error = await failureOf(create().run(input, [failing]));
    expect(error.reason).to.equal('protected');
    expect(error.message).to.include('template p/t');
  });

  it('refuses a policy that can no longer be read', async () => {
    const broken = policyText('<template id="t" match="//entry"><remove/></template>');
    const runner = create();
    expect((await failureOf(runner.run(input, [broken]))).reason).to.equal('invalid');
    expect((await failureOf(runner.run(input, ['<policy']))).reason).to.equal('invalid');
  });

  it('stops a policy that runs away at the deadline, while everything else goes on', async () => {
    const runner = create({ deadline: 150 });
    await runner.run(input, [clamp]);
    let longest = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 5);
    const before = performance.now();
    const error = await failureOf(runner.run(large, [runaway]));
    clearInterval(beat);
    expect(error.reason).to.equal('deadline');
    expect(performance.now() - before).to.be.within(145, 2000);
    expect(longest).to.be.below(200);
  });

  it('goes on with a fresh worker after that, with what waited behind it', async () => {
    const runner = create({ deadline: 150 });
    const first = failureOf(runner.run(large, [runaway]));
    const second = runner.run(input, [clamp]);
    expect((await first).reason).to.equal('deadline');
    expect((await second).text).to.equal(effective);
    expect((await runner.run(input, [clamp])).text).to.equal(effective);
  });

  /** A clock that `pass` moves; its timers come due when it says so. */
  class SteppedClock implements Clock {
    #time = 0;
    #due: (() => void)[] = [];
    /** Called when a timer is set. */
    onSchedule = (): void => undefined;

    now(): WallTime {
      return 0 as WallTime;
    }

    monotonic(): MonotonicTime {
      return this.#time as MonotonicTime;
    }

    schedule(_delay: number, callback: () => void): () => void {
      this.#due.push(callback);
      this.onSchedule();
      return () => {
        this.#due = this.#due.filter((other) => other !== callback);
      };
    }

    turn(): Promise<void> {
      return Promise.resolve();
    }

    /** So much time passes, and then every timer comes due. */
    pass(milliseconds: number): void {
      this.#time += milliseconds;
      for (const callback of this.#due.splice(0)) callback();
    }

    get pending(): number {
      return this.#due.length;
    }
  }

  it('takes its time from the clock that it is given, and a stop of the machine does not end a policy', async () => {
    const clock = new SteppedClock();
    const runner = create({ deadline: 1000, clock });
    await runner.run(input, [clamp]);
    expect(clock.pending).to.equal(0);
    const stopped = failureOf(runner.run(large, [runaway]));
    expect(clock.pending).to.equal(1);
    for (let stop = 0; stop < 9; stop += 1) {
      clock.pass(4000);
      expect(clock.pending, 'it still works').to.equal(1);
    }
    clock.pass(4000);
    const error = await stopped;
    expect(error.reason).to.equal('deadline');
    expect(error.message).to.match(/^(policy p|template p\/runaway) took longer than 1000 ms$/);
  });

  it('names the template that is under way when the time is up, and the group', async () => {
    const told: SlowPolicy[] = [];
    const runner = create({ deadline: 1500, onSlow: (slow) => told.push(slow) });
    const before =
      '<template id="before" match="//ls:list"><insert place="last"><ls:entry uri="sip:n@a.example"/></insert></template>';
    const both = runaway.replace('<template', `${before}<template`);
    await failureOf(runner.run(large, [clamp, both]));
    expect(told.map(({ input: { groupId }, step, ended }) => [groupId, step, ended])).to.deep.equal([
      [input.groupId, 'template p/runaway', true],
    ]);
    expect(told[0]?.milliseconds).to.be.at.least(1500);
  });

  it('names a policy that needs half of its time, and no other', async () => {
    const clock = new SteppedClock();
    const told: SlowPolicy[] = [];
    const runner = create({ deadline: 1000, clock, onSlow: (slow) => told.push(slow) });
    await runner.run(input, [clamp]);
    expect(told).to.deep.equal([]);
    const derived = runner.run(input, [clamp]);
    for (let beat = 0; beat < 10; beat += 1) clock.pass(50);
    expect((await derived).text).to.equal(effective);
    expect(told).to.deep.equal([{ input, step: told[0]?.step, milliseconds: 500, ended: false }]);
    expect(told[0]?.step).to.match(/^(policy local-priority|template local-priority\/priority)$/);
  });

  it('fails what waits where no thread can be started', async () => {
    const runner = create({ script: new URL('http://127.0.0.1/worker.js') });
    const error = await failureOf(runner.run(input, [clamp]));
    expect(error.reason).to.equal('crash');
    expect(error.message).to.include('no policy worker can be started');
  });

  it('lets only so many documents wait', async () => {
    const runner = create({ queue: 2 });
    const waiting = [runner.run(input, [clamp]), runner.run(input, [clamp])];
    expect((await failureOf(runner.run(input, [clamp]))).reason).to.equal('busy');
    expect((await Promise.all(waiting)).map(({ text }) => text)).to.deep.equal([effective, effective]);
    expect((await runner.run(input, [clamp])).text).to.equal(effective);
  });

  it('serves systems by turns: one with many slow documents makes only itself wait', async () => {
    const runner = create({ deadline: 600 });
    await runner.run(input, [clamp]);
    const order: string[] = [];
    const slow = Array.from({ length: 8 }, async (_, index) => {
      await failureOf(runner.run(large, [runaway]));
      order.push(`slow ${index}`);
    });
    const other = { ...input, system: 'c' as SystemName };
    const others = [1, 2].map(async (index) => {
      expect((await runner.run(other, [clamp])).text).to.equal(effective);
      order.push(`other ${index}`);
    });
    await Promise.all([...slow, ...others]);
    expect(order.slice(0, 5)).to.deep.equal(['slow 0', 'slow 1', 'other 1', 'slow 2', 'other 2']);
  });

  it('lets only so many documents of one system wait, and others none the less', async () => {
    const runner = create({ queueOfOne: 2 });
    const waiting = [runner.run(input, [clamp]), runner.run(input, [clamp])];
    expect((await failureOf(runner.run(input, [clamp]))).reason).to.equal('busy');
    const other = { ...input, system: 'c' as SystemName };
    expect((await runner.run(other, [clamp])).text).to.equal(effective);
    expect((await Promise.all(waiting)).map(({ text }) => text)).to.deep.equal([effective, effective]);
  });

  it('bounds what waits by what it weighs, of one system and in all', async () => {
    const { length } = input.text;
    const runner = create({ queueCharacters: { each: 2 * length, all: 3 * length } });
    const run = (system: string): Promise<unknown> =>
      runner.run({ ...input, system: system as SystemName }, [clamp]);
    const waiting = [run('a'), run('a'), run('c')];
    expect((await failureOf(run('a'))).reason, 'of one').to.equal('busy');
    expect((await failureOf(run('c'))).reason, 'in all').to.equal('busy');
    waiting.push(run('d'));
    await Promise.all(waiting);
  });

  it('drops what waited for longer than its sender does, and works for nobody who gave up', async () => {
    const clock = new ManualClock();
    const runner = create({ clock, deadline: 100_000, patience: 500 });
    await runner.run(input, [clamp]);
    expect(clock.pending).to.equal(0);
    const running = failureOf(runner.run(large, [runaway]));
    const late = failureOf(runner.run(input, [clamp]));
    clock.advance(300);
    const inTime = runner.run(input, [clamp]);
    clock.advance(250);
    expect((await late).reason).to.equal('busy');
    expect((await late).message).to.include('500 ms');
    await runner.close();
    expect((await running).reason).to.equal('closed');
    expect((await failureOf(inTime)).reason).to.equal('closed');
    expect(clock.pending, 'no timer is left').to.equal(0);
  });

  it('fails what waits and what runs when it is closed, and everything afterwards', async () => {
    const runner = create();
    await runner.run(input, [clamp]);
    const failed = Promise.all([
      failureOf(runner.run(large, [runaway])),
      failureOf(runner.run(input, [clamp])),
    ]);
    await runner.close();
    expect((await failed).map(({ reason }) => reason)).to.deep.equal(['closed', 'closed']);
    expect((await failureOf(runner.run(input, [clamp]))).reason).to.equal('closed');
    await runner.close();
  });

  it('fails each document once where the worker does not even start', async () => {
    const runner = create({ script: new URL('./no-such-worker.js', import.meta.url) });
    const failed = await Promise.all([
      failureOf(runner.run(input, [clamp])),
      failureOf(runner.run(input, [clamp])),
    ]);
    expect(failed.map(({ reason }) => reason)).to.deep.equal(['crash', 'crash']);
  });

  it('replaces a worker that dies at work', async () => {
    const dying = new URL(
      'data:text/javascript,' +
        encodeURIComponent(
          "import { parentPort } from 'node:worker_threads';" +
            "parentPort.on('message', () => { throw new Error('died') }); parentPort.postMessage({ kind: 'ready' });",
        ),
    );
    const runner = create({ script: dying });
    for (const attempt of [1, 2]) {
      const error = await failureOf(runner.run(input, [clamp]));
      expect(error.reason, `attempt ${attempt}`).to.equal('crash');
      expect(error.message).to.include('died');
    }
  });

  it('keeps a process alive while it works, and no longer', async () => {
    const module = new URL('../../../src/policy/runner.js', import.meta.url);
    const script =
      `const { PolicyRunner } = await import(${JSON.stringify(pathToFileURL(module.pathname).href)});` +
      `const runner = new PolicyRunner({ deadline: 5000, limits: ${JSON.stringify(limits)} });` +
      `const { text } = await runner.run(${JSON.stringify(input)}, [${JSON.stringify(clamp)}]);` +
      'process.stdout.write(text);';
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 8000,
    });
    expect(stdout).to.equal(effective);
  });
});
