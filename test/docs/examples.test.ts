import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import {
  announcedStatuses,
  blocksOf,
  configMistakes,
  DocumentRun,
  fileNameOf,
  isShown,
  modeOf,
  readSession,
  shellLanguages,
} from './document-run.js';
import { markdownPaths, type Block } from './markdown.js';

/** Everything that README and `docs` show runs as it is shown. */

const documents = await Promise.all(
  ['README.md', ...markdownPaths('docs')].map(async (path) => ({
    path,
    own: await blocksOf(path, { continued: false }),
    all: await blocksOf(path),
  })),
);

function isShell({ language }: Block): boolean {
  return shellLanguages.includes(language);
}

function missing(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
}

function runs(block: Block): boolean {
  return isShell(block) && !block.info.startsWith('not-run');
}

describe('Examples of the documentation', function () {
  this.timeout(180_000);
  const left: string[] = [];

  after(() => {
    for (const line of left) console.log(`      not run: ${line}`);
  });

  for (const { path, own, all } of documents) {
    if (own.length === 0) continue;

    it(`${path}: every fence says what it holds`, () => {
      for (const block of own) {
        expect(block.language, block.place).to.not.equal('');
        if (!isShell(block)) {
          expect(block.text, `${block.place} shows commands`).to.not.match(/^\$ /m);
          continue;
        }
        const mode = modeOf(block);
        if (mode.kind === 'not-run')
          left.push(`${block.place}, ${mode.reason}: ${block.text.split('\n').join('; ')}`);
      }
    });

    if (own.some(({ language }) => /^(yaml|jsonl?)$/.test(language))) {
      it(`${path}: examples of configurations are without mistakes, examples of JSON are JSON`, () => {
        for (const { language, text, ...rest } of own) {
          if (language === 'yaml') expect(configMistakes({ language, text, ...rest })).to.deep.equal([]);
          if (language === 'json') JSON.parse(text);
          if (language === 'jsonl') for (const line of text.split('\n')) JSON.parse(line);
        }
      });
    }

    if (!own.some(runs)) continue;
    it(`${path}: shell examples do what it says`, async function () {
      for (const program of ['bash', 'curl']) {
        if (!missing(program)) continue;
        console.log(`      skipped: ${program} is missing`);
        this.skip();
      }
      const run = await DocumentRun.start(all);
      try {
        for (const block of all) {
          const name = fileNameOf(block);
          if (name !== undefined) await run.write(name, block.text);
          if (runs(block)) await run.run(block);
        }
      } finally {
        await run.end();
      }
    });
  }
});

describe('The runner of examples', function () {
  this.timeout(60_000);

  const block = (language: string, text: string, info = ''): Block => ({
    place: 'x:1',
    language,
    info,
    text,
  });

  async function outcome(...blocks: readonly Block[]): Promise<string> {
    const run = await DocumentRun.start(blocks);
    try {
      for (const each of blocks) await run.run(each);
      return 'passed';
    } catch (error) {
      return String(error);
    } finally {
      await run.end();
    }
  }

  before(function () {
    if (missing('bash')) this.skip();
  });

  it('keeps variables from block to block', async () => {
    expect(await outcome(block('sh', 'A=1'), block('sh', 'test "$A" = 1'))).to.equal('passed');
  });

  it('notices a command that fails, also before the last one and in a pipe', async () => {
    expect(await outcome(block('sh', 'false\ntrue'))).to.match(/exit code none/);
    expect(await outcome(block('sh', 'false | cat\ntrue'))).to.match(/exit code none/);
  });

  it('notices a status that is not announced, and one that does not come', async () => {
    const answer = "printf 'HTTP/1.1 404 Not Found\\r\\n'";
    expect(await outcome(block('sh', `# It is gone: 404\n${answer}`))).to.equal('passed');
    expect(await outcome(block('sh', answer))).to.match(/statuses 404, not ,/);
    expect(await outcome(block('sh', `# Read twice: 404, 200\n${answer}`))).to.match(
      /statuses 404, not 404,200/,
    );
  });

  it('notices output that is not the one shown', async () => {
    expect(await outcome(block('console', '$ echo 1\n1\n$ echo 2\n2'))).to.equal('passed');
    expect(await outcome(block('console', '$ echo 1\n1\n$ echo 2\n3'))).to.match(/echo 2 printed\n2/);
  });

  it('notices a program that ends where it should go on', async () => {
    const background = block('sh', 'node dist/src/main.js check-config nowhere.yaml', 'background');
    expect(await outcome(background)).to.match(/ended without/);
  });

  it('takes no fence that it does not know', () => {
    expect(() => modeOf(block('bash', 'true'))).to.throw('is not among the fences');
    expect(() => modeOf(block('sh', 'true', 'backgruond'))).to.throw('is not among the fences');
    expect(() => modeOf(block('sh', 'true', 'not-run="too lazy"'))).to.throw('is no reason not to run');
  });

  it('reads statuses and sessions', () => {
    expect(announcedStatuses('# Read: 200, 304\ncurl x\n  # Port: 8080\n# 404')).to.deep.equal([
      '200',
      '304',
    ]);
    expect(readSession('$ a \\\n  b\nx\n\ny\n$ c')).to.deep.equal([
      { command: 'a \\\n  b', output: 'x\n\ny\n' },
      { command: 'c', output: '' },
    ]);
  });

  it('lets only times, entity tags and the width of columns differ', () => {
    const shown = 'A     2026-11-22T22:25:46Z  gZu6oZlzZU3t4DwAu1rS6Q\n(x) 1.';
    expect(isShown('A   2027-01-01T00:00:00.123Z  BZu6oZlzZU3t4DwAu1rS6-   \n(x) 1.\n', shown)).to.equal(
      true,
    );
    expect(isShown('A   2027-01-01T00:00:00Z  BZu6oZlzZU3t4DwAu1rS6-\n(x) 2.', shown)).to.equal(false);
    expect(isShown('A   yesterday  BZu6oZlzZU3t4DwAu1rS6-\n(x) 1.', shown)).to.equal(false);
  });

  it('finds mistakes in examples of configurations', () => {
    expect(configMistakes(block('yaml', '# a.yaml\nsystem: { domains: [a.example] }'))).to.deep.equal([]);
    expect(configMistakes(block('yaml', '# a.yaml\nsystem: { domain: [a.example] }'))).to.have.lengthOf(2);
    expect(configMistakes(block('yaml', '# gateway.yaml\nsystem: { domains: [a.example] }'))).to.not.be.empty;
    expect(configMistakes(block('yaml', 'system: { domains: [a.example] }'))).to.have.lengthOf(1);
  });
});
