import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

/** The records in `docs/decisions`: every decision that something cites has one, and each is complete. */

const root = new URL('../../../', import.meta.url);
const recordFile = /^(?<letter>[dl])(?<number>\d{2})-[a-z0-9-]+\.md$/;
const statuses = /^- Status: (?:in force|planned)/m;

interface DecisionRecord {
  readonly file: string;
  /** Such as `D16`. */
  readonly id: string;
  readonly text: string;
}

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** Files below a folder of the project that hold text which may cite decisions, by path. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(new URL(`${folder}/`, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|md|json|xsd)$/.test(entry.name))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.pathname.length).replace(/^\/+/, ''));
}

function idOf(file: string): string | undefined {
  const { letter, number } = recordFile.exec(file)?.groups ?? {};
  return letter === undefined ? undefined : `${letter.toUpperCase()}${Number(number)}`;
}

function readRecords(): readonly DecisionRecord[] {
  return readdirSync(new URL('docs/decisions/', root)).flatMap((file) => {
    const id = idOf(file);
    return id === undefined ? [] : [{ file, id, text: read(`docs/decisions/${file}`) }];
  });
}

/**
 * The decisions that a text cites: "design D8, D9" cites two. A bare "D1" counts too, but not within a longer
 * word or an escape such as `%D9`.
 */
function citedIn(text: string): readonly string[] {
  return [...text.matchAll(/(?<![\w%\\/.-])D\d{1,2}(?![\w%])/g)].map(([id]) => id);
}

/** What is wrong with one record. */
function faultsOf({ file, id, text }: DecisionRecord): readonly string[] {
  const faults: string[] = [];
  if (!text.startsWith(`# ${id}. `)) faults.push(`${file}: the title does not begin with its number`);
  if (!/^- Date: 20\d\d-[01]\d-[0-3]\d$/m.test(text)) faults.push(`${file}: no date`);
  if (!statuses.test(text)) faults.push(`${file}: no status`);
  for (const section of ['Decision', 'Why', 'Given up']) {
    const body = new RegExp(`^## ${section}\\n+(?!#)\\S`, 'm');
    if (!body.test(text)) faults.push(`${file}: nothing under "${section}"`);
  }
  return faults;
}

describe('docs/decisions', () => {
  const records = readRecords();
  const index = read('docs/decisions/README.md');

  it('has a record for every decision that code, tests or documents cite', () => {
    const known = new Set(records.map(({ id }) => id));
    const folders = ['src', 'test', 'bench', 'conformance', 'docs', 'schemas'];
    const files = folders.flatMap(filesBelow).filter((file) => file !== 'test/docs/decisions.test.ts');
    const cited = files.flatMap((file) => citedIn(read(file)).map((id) => ({ file, id })));
    expect(new Set(cited.map(({ id }) => id))).to.include.all.keys('D1', 'D9', 'D16');
    expect(cited.filter(({ id }) => !known.has(id))).to.deep.equal([]);
  });

  it('has no two records of one number, and no gap between numbers', () => {
    for (const letter of ['D', 'L']) {
      const numbers = records.filter(({ id }) => id.startsWith(letter)).map(({ id }) => Number(id.slice(1)));
      expect(numbers.toSorted((one, other) => one - other)).to.deep.equal(numbers.map((_, at) => at + 1));
    }
  });

  it('says in each record what was decided, when, why, and what was given up', () => {
    expect(records).to.not.be.empty;
    expect(records.flatMap(faultsOf)).to.deep.equal([]);
  });

  it('lists each record in the index, with its date and what its status begins with', () => {
    for (const { file, id, text } of records) {
      const row = index.split('\n').find((line) => line.includes(`[${id}](${file})`)) ?? '';
      const [, date = 'no date'] = /^- Date: (\S+)$/m.exec(text) ?? [];
      const [, status = 'no status'] = /^- Status: (in force in part|in force|planned)/m.exec(text) ?? [];
      const cells = row.split('|').map((cell) => cell.trim());
      expect(cells.slice(3, 5), `the index's row of ${id}`).to.deep.equal([date, status]);
    }
  });

  it('names every runtime dependency in a record', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const names = Object.keys(dependencies);
    expect(names).to.not.be.empty;
    const text = records.map((record) => record.text).join('\n');
    const isNamed = (name: string): boolean =>
      new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(text.replace(/\]\([^)]*\)/g, ']'));
    expect(names.filter((name) => !isNamed(name))).to.deep.equal([]);
  });

  it('sees what these checks are for where it is planted', () => {
    expect(citedIn('as said (design D7, D16); not %D9, ED3 or D1x')).to.deep.equal(['D7', 'D16']);
    const sound = '# D1. A\n\n- Date: 2026-11-22\n- Status: planned\n\n## Decision\n\nA.\n\n## Why\n\nB.\n';
    const whole: DecisionRecord = { file: 'd01-a.md', id: 'D1', text: `${sound}\n## Given up\n\nC.\n` };
    expect(faultsOf(whole)).to.deep.equal([]);
    const faulty = { ...whole, text: `${sound}\n## Given up\n\n## Else\n`.replace('2026', 'year') };
    expect(faultsOf(faulty)).to.deep.equal(['d01-a.md: no date', 'd01-a.md: nothing under "Given up"']);
    expect(faultsOf({ ...whole, text: '' })).to.have.length(6);
  });
});
