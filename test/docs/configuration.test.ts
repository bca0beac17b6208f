import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsDocument } from '../../src/cli/options-document.js';
import { describeGatewayOptions } from '../../src/gateway/config.js';
import { describeOptions } from '../../src/gms/config.js';
import { repository } from './markdown.js';

describe('docs/configuration.md', () => {
  const text = readFileSync(join(repository, 'docs/configuration.md'), 'utf8');

  it('is what "npm run docs" writes', () => {
    expect(text).to.equal(optionsDocument());
  });

  it('has a row for every option of the server and of the gateway', () => {
    const [server = '', gateway = ''] = text.split('\n## The gateway\n');
    const rows = (part: string): string[] =>
      [...part.matchAll(/^\| `(.*?)` \|/gm)].map(([, path = '']) => path);
    expect(rows(server)).to.deep.equal(describeOptions().map(({ path }) => path));
    expect(rows(gateway)).to.deep.equal(describeGatewayOptions().map(({ path }) => path));
  });

  it('has four cells in every row, whatever stands in them', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.filter((row) => row.split(/(?<!\\)\|/).length !== 6)).to.deep.equal([]);
  });
});
