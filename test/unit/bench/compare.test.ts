import { expect } from 'chai';
import { compareRuns, describeComparison, readFormerRun, type FormerRun } from '../../../bench/compare.js';

const spread = (min: number, median: number, max: number) => ({ min, median, max });

const run = (rows: FormerRun['rows']): FormerRun => readFormerRun(JSON.stringify({ rows }));

describe('npm run bench -- --compare', () => {
  const before = run([
    { what: 'GET', variant: 'mcgms', rate: spread(900, 1000, 1100), ratio: spread(0.4, 0.45, 0.5) },
    { what: 'PUT', variant: 'mcgms', rate: spread(90, 100, 110), ratio: spread(0.5, 0.6, 0.7) },
    { what: 'validation alone', variant: 'parse', rate: spread(10, 20, 30), ratio: undefined },
    { what: 'old', variant: 'mcgms', rate: spread(1, 1, 1), ratio: undefined },
  ]);
  const now = run([
    { what: 'GET', variant: 'mcgms', rate: spread(500, 600, 700), ratio: spread(0.6, 0.7, 0.8) },
    { what: 'PUT', variant: 'mcgms', rate: spread(200, 210, 220), ratio: spread(0.65, 0.7, 0.8) },
    { what: 'validation alone', variant: 'parse', rate: spread(1, 2, 3), ratio: undefined },
    { what: 'new', variant: 'mcgms', rate: spread(1, 1, 1), ratio: undefined },
  ]);

  it('judges by the ratio to the limit of the same run, and only where the spreads do not touch', () => {
    const verdicts = compareRuns(before, now).map(({ what, verdict }) => [what, verdict]);
    expect(verdicts).to.deep.equal([
      ['GET', 'faster'],
      ['PUT', 'within the spread'],
      ['validation alone', 'slower'],
      ['new', 'new'],
      ['old', 'gone'],
    ]);
  });

  it('shows both runs with their spread', () => {
    const lines = describeComparison(compareRuns(before, now)).split('\n');
    expect(lines[2]).to.equal(
      '| GET | mcgms | 1000 (900–1100) | 600 (500–700) | −40 % | 0.45 (0.40–0.50) | 0.70 (0.60–0.80) | faster |',
    );
    expect(lines).to.have.lengthOf(7);
  });

  it('refuses a file that is no run', () => {
    expect(() => readFormerRun('{"machine": {}}')).to.throw('it has no rows');
    expect(() => readFormerRun('nothing')).to.throw();
  });
});
