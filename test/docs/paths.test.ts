import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

/** Files and folders that documents name, so that a reader finds them. */

const root = new URL('../../../', import.meta.url);

const folders = ['', 'docs/', 'docs/decisions/'];

const pages = folders.flatMap((folder) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}${name}`),
);

/** The paths of the project that a text names as code, such as `src/http/server.ts`. */
function pathsIn(text: string): readonly string[] {
  const paths = text.matchAll(/`((?:src|test|bench|conformance|schemas|fixtures|docs|scripts)\/[\w./-]*)`/g);
  return [...paths].map(([, path = '']) => path);
}

describe('docs: files that are named', () => {
  for (const page of pages) {
    it(`${page} names files and folders that are there`, () => {
      const paths = pathsIn(readFileSync(new URL(page, root), 'utf8'));
      expect(paths.filter((path) => !existsSync(new URL(path, root)))).to.deep.equal([]);
    });
  }

  it('sees a file that is not there', () => {
    expect(pathsIn('in `src/http/nowhere.ts`, `test/unit`')).to.deep.equal([
      'src/http/nowhere.ts',
      'test/unit',
    ]);
    expect(existsSync(new URL('src/http/nowhere.ts', root))).to.equal(false);
  });
});
