import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  isThere,
  markdownPaths,
  parseMarkdown,
  readMarkdown,
  repository,
  type MarkdownFile,
} from './markdown.js';

/** The longest README, in bytes: one that a newcomer reads to its end. */
const longestReadme = 12 * 1024;

/** What is wrong with the links of a file. */
async function deadLinks(file: MarkdownFile): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { place, path, anchor } of file.links) {
    if (path === undefined || (path !== file.path && !isThere(path))) {
      wrong.push(`${place}: nothing is at ${path ?? 'a place outside of the repository'}`);
    } else if (anchor !== undefined && path.endsWith('.md')) {
      const { anchors } = path === file.path ? file : await readMarkdown(path);
      if (!anchors.has(anchor)) wrong.push(`${place}: ${path} has no heading #${anchor}`);
    }
  }
  return wrong;
}

describe('Links of the documentation', () => {
  for (const path of markdownPaths()) {
    it(`every relative link of ${path} leads somewhere`, async () => {
      expect(await deadLinks(await readMarkdown(path))).to.deep.equal([]);
    });
  }

  it('a link to no file, out of the repository or to no heading is found', async () => {
    const text = [
      '# One `two`, (three)',
      '[right](../LICENSE) [right](#one-two-three) [right](../README.md#mcgms) [away](https://example.org/x#y)',
      '[no file](nowhere.md)',
      '| table |\n| --- |\n| [outside](../../elsewhere) |',
      '[no heading](#two) and `[no link](in-code.md)`',
      '[no heading there][there]\n\n[there]: ../README.md#nowhere',
    ].join('\n\n');
    const wrong = await deadLinks(await parseMarkdown(text, 'docs/made-up.md'));
    expect(wrong.map((line) => line.slice(line.indexOf(' ') + 1))).to.deep.equal([
      'nothing is at docs/nowhere.md',
      'nothing is at a place outside of the repository',
      'docs/made-up.md has no heading #two',
      'README.md has no heading #nowhere',
    ]);
  });
});

describe('README', () => {
  it('is short enough for a newcomer', () => {
    expect(statSync(join(repository, 'README.md')).size).to.be.at.most(longestReadme);
  });

  it('leads to every document', async () => {
    const readme = await readMarkdown('README.md');
    const linked = new Set(readme.links.map(({ path }) => path));
    const records = /^docs\/decisions\/(?!README)/;
    const documents = markdownPaths('docs').filter((path) => !records.test(path));
    expect(documents.filter((path) => !linked.has(path))).to.deep.equal([]);
  });
});
