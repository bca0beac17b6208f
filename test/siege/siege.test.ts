import { expect } from 'chai';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { Command } from '../support/command.js';

/** The siege as a command: short, and with a fault that is planted. Whether bounds hold is not for this test. */

const script = fileURLToPath(new URL('main.js', import.meta.url));

function siege(...words: readonly string[]): Command {
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  return new Command(spawn(process.execPath, [script, ...words], { stdio: [...stdio] }));
}

describe('The siege as a command', function () {
  this.timeout(120_000);

  it('notices a bound that cannot be held: exit code 1, and the last line says so', async () => {
    const run = siege('--seconds', '1', '--kinds', 'resets', '--bound', 'latency=0');
    expect(await run.exit(), run.errors).to.equal(1);
    expect(run.output).to.match(/^resets +\d+ /m);
    expect(run.output).to.match(/^broken: honest requests late: \d+, such as: /m);
    expect(run.output).to.match(/^siege: 1 kinds for [\d.]+ s: .*: FAILED, \d+ bounds? broken\n$/m);
  });

  const wrong: readonly [words: readonly string[], said: RegExp][] = [
    [['--kinds', 'nobody'], /no kind is named nobody/],
    [['--bound', 'patience=1'], /--bound patience=1: none of latency, /],
    [['--seconds', '0'], /--seconds must be a positive number/],
  ];
  for (const [words, said] of wrong) {
    it(`refuses ${words.join(' ')}`, async () => {
      const run = siege(...words);
      expect(await run.exit()).to.equal(1);
      expect(run.errors).to.match(said);
    });
  }
});
