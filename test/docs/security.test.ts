import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { expect } from 'chai';

/** The table of laws in docs/security.md: it names code and tests for each, and these are there. */

const root = new URL('../../../', import.meta.url);

interface Law {
  readonly name: string;
  readonly code: readonly string[];
  readonly tests: readonly string[];
}

function pathsIn(cell = ''): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path);
}

/** The rows of a text that begin with the number of a law. */
function lawsIn(text: string): readonly Law[] {
  return text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, name = '']) => /^L\d$/.test(name))
    .map(([, name = '', , code, tests]) => ({ name, code: pathsIn(code), tests: pathsIn(tests) }));
}

/** Whether this is a test, or a folder with the tests of a tool that searches. */
function searches(path: string): boolean {
  const url = new URL(path, root);
  if (!path.startsWith('test/') || !existsSync(url)) return false;
  if (statSync(url).isFile()) return path.endsWith('.test.ts');
  return readdirSync(url).some((name) => name.endsWith('.test.ts'));
}

function isCode(path: string): boolean {
  return path.startsWith('src/') && existsSync(new URL(path, root)) && statSync(new URL(path, root)).isFile();
}

describe('docs/security.md: the laws of design D21', () => {
  const laws = lawsIn(readFileSync(new URL('docs/security.md', root), 'utf8'));

  it('all six are there, once each', () => {
    expect(laws.map(({ name }) => name)).to.deep.equal(['L1', 'L2', 'L3', 'L4', 'L5', 'L6']);
  });

  for (const { name, code, tests } of laws) {
    it(`${name} names code and tests that are there`, () => {
      expect(code).to.not.be.empty;
      expect(tests).to.not.be.empty;
      expect(code.filter((path) => !isCode(path))).to.deep.equal([]);
      expect(tests.filter((path) => !searches(path))).to.deep.equal([]);
    });
  }

  it('sees what is not there', () => {
    const [law] = lawsIn('| L9 | says so | `src/nowhere.ts` | `test/nowhere.test.ts`, `test/support` |');
    expect(law?.code.filter(isCode)).to.deep.equal([]);
    expect(law?.tests.filter(searches)).to.deep.equal([]);
  });
});
