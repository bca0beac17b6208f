import { ESLint } from 'eslint';
import { expect } from 'chai';

/** Where the linter's rule stands: what it is to find, and what it must leave alone. */
const imports = `
import { millisecondsUntil, type Clock, type WallTime } from './clock.js';
export interface Shown { readonly at: WallTime; readonly until: WallTime | null; readonly stored: number }
`;

const found: readonly string[] = [
  'export const f = (clock: Clock, began: number): number => clock.now() - began;',
  'export const f = (clock: Clock, end: number): boolean => clock.now() >= end;',
  'export const f = (clock: Clock): boolean => { const began = clock.now(); return 5 < began; };',
  'export const f = ({ at, stored }: Shown): number => stored - at;',
  'export const f = ({ until, stored }: Shown): boolean => until !== null && until <= stored;',
  'export const f = ({ until }: Shown): number => (until ?? 0) - 5;',
  'export const f = (clock: Clock, left: number): number => { left -= clock.now(); return left; };',
];

const leftAlone: readonly string[] = [
  'export const f = (clock: Clock, began: number): number => clock.monotonic() - began;',
  'export const f = (clock: Clock, pause: number): number => clock.now() + pause;',
  'export const f = (clock: Clock, at: number): number => millisecondsUntil(at, clock.now(), 5);',
  'export const f = ({ at, until }: Shown): boolean => at === until;',
  // These it cannot see: a number that is stored, and a sum.
  'export const f = ({ stored }: Shown): number => stored - 5;',
  'export const f = (clock: Clock): number => clock.now() + 5 - 3;',
];

describe('The rule that the time of day measures no duration', function () {
  this.timeout(60_000);
  const eslint = new ESLint();

  /** Whether the rule reports anything in `code`, as if it stood in a file of src/base. */
  const isReported = async (code: string): Promise<boolean> => {
    const [result] = await eslint.lintText(imports + code, { filePath: 'src/base/token-bucket.ts' });
    const messages = result?.messages ?? [];
    expect(messages.filter(({ fatal }) => fatal === true)).to.deep.equal([]);
    return messages.some(({ ruleId }) => ruleId === 'local/no-wall-durations');
  };

  it('finds it where it is planted', async () => {
    for (const code of found) expect(await isReported(code), code).to.equal(true);
  });

  it('leaves sums, monotonic time and the bounded function alone', async () => {
    for (const code of leftAlone) expect(await isReported(code), code).to.equal(false);
  });
});
