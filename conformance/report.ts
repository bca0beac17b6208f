import { create } from 'xmlbuilder2';
import type { CaseResult } from './run.js';

/** What a run has come to, as text for people and as JUnit XML for machines. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
}

export function countsOf(results: readonly CaseResult[]): Counts {
  const count = (outcome: CaseResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), notApplicable: count('not applicable') };
}

function grouped(
  results: readonly CaseResult[],
  keyOf: (result: CaseResult) => string,
): ReadonlyMap<string, readonly CaseResult[]> {
  const groups = new Map<string, CaseResult[]>();
  for (const result of results) {
    const key = keyOf(result);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return groups;
}

const collator = new Intl.Collator('en', { numeric: true });

function indent(text: string, by: string): string {
  return text
    .split('\n')
    .map((line) => `${by}${line}`)
    .join('\n');
}

function details({ of, failures }: CaseResult): string {
  const parts = failures.map(({ request, differences, got }) =>
    [
      '  sent',
      indent(request, '    '),
      '  expected',
      ...differences.map((difference) => indent(difference, '    ')),
      '  got',
      indent(got, '    '),
    ].join('\n'),
  );
  return [`${of.id} (${of.clause}): ${of.title}`, ...parts].join('\n');
}

/** One line for each clause, then the details of failures, then why cases are not applicable, then a summary. */
export function formatText(results: readonly CaseResult[]): string {
  const lines: string[] = [];
  const clauses = grouped(results, ({ of }) => of.clause);
  const width = Math.max(...[...clauses.keys()].map(({ length }) => length), 0);
  for (const clause of [...clauses.keys()].sort((a, b) => collator.compare(a, b))) {
    const { passed, failed, notApplicable } = countsOf(clauses.get(clause) ?? []);
    const mark = failed > 0 ? 'FAIL' : passed > 0 ? 'ok  ' : 'n/a ';
    lines.push(
      `${mark} ${clause.padEnd(width)}  ${passed} passed, ${failed} failed, ${notApplicable} not applicable`,
    );
  }
  const failures = results.filter(({ outcome }) => outcome === 'failed');
  if (failures.length > 0) lines.push('', 'Failures', ...failures.flatMap((result) => ['', details(result)]));
  const skipped = grouped(
    results.filter(({ outcome }) => outcome === 'not applicable'),
    ({ reason }) => reason,
  );
  if (skipped.size > 0) lines.push('', 'Not applicable');
  for (const [reason, of] of skipped) lines.push(`  ${of.length}: ${reason}`);
  const { passed, failed, notApplicable } = countsOf(results);
  lines.push('', `${passed} passed, ${failed} failed, ${notApplicable} not applicable`);
  return `${lines.join('\n')}\n`;
}

/** `text` without what XML 1.0 cannot hold. */
function lawful(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly these cannot stand in XML
  return text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|\p{Surrogate}/gu, '\uFFFD');
}

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(3);

/** The JUnit XML report: a test suite for each topic, a test case for each case. */
export function formatJunit(results: readonly CaseResult[]): string {
  const total = (of: readonly CaseResult[]): Record<string, string> => {
    const { failed, notApplicable } = countsOf(of);
    return {
      tests: String(of.length),
      failures: String(failed),
      errors: '0',
      skipped: String(notApplicable),
      time: seconds(of.reduce((sum, { milliseconds }) => sum + milliseconds, 0)),
    };
  };
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele('testsuites', {
    name: 'XCAP conformance',
    ...total(results),
  });
  for (const [topic, of] of grouped(results, (result) => result.of.topic)) {
    const suite = root.ele('testsuite', { name: lawful(topic), ...total(of) });
    for (const result of of) {
      const test = suite.ele('testcase', {
        classname: lawful(result.of.clause),
        name: lawful(`${result.of.id}: ${result.of.title}`),
        time: seconds(result.milliseconds),
      });
      if (result.outcome === 'not applicable') test.ele('skipped', { message: lawful(result.reason) });
      if (result.outcome === 'failed') {
        const message = result.failures.flatMap(({ differences }) => differences)[0] ?? '';
        test.ele('failure', { message: lawful(message) }).txt(lawful(details(result)));
      }
    }
  }
  return root.end({ prettyPrint: true });
}
