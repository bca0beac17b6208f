import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { BadCases, readSuite, type ConformanceCase } from './case-format.js';
import { Client, NoAnswer } from './exchange.js';
import { credentialsOf, helpText, readOptions, type Options } from './options.js';
import { countsOf, formatJunit, formatText } from './report.js';
import { runAll, usagesOf } from './run.js';

/** The conformance suite as a command. */

const exitCode = { conforms: 0, failures: 1, notRun: 2 } as const;

const folder = new URL('../../fixtures/conformance/', import.meta.url);

/** Why the suite could not be run. */
class NotRun extends Error {}

function chosen(cases: readonly ConformanceCase[], only: string | undefined): readonly ConformanceCase[] {
  const wanted = only?.toLowerCase() ?? '';
  const found = cases.filter(({ id, clause, title, topic }) =>
    [id, clause, title, topic].some((text) => text.toLowerCase().includes(wanted)),
  );
  if (found.length === 0) throw new NotRun(`no case has "${only ?? ''}" in clause, id, title or topic`);
  return found;
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new NotRun(`--ca ${file} cannot be read`);
  }
}

async function run(options: Options): Promise<number> {
  const suite = readSuite(folder);
  const cases = chosen(suite.cases, options.only);
  const ca = options.ca === undefined ? undefined : readCa(options.ca);
  const client = new Client({ root: options.root, deadline: options.deadline, ca });
  try {
    const settings = {
      ...options,
      send: client.send.bind(client),
      credentials: credentialsOf.bind(undefined, options),
      token: randomBytes(6).toString('hex'),
    };
    // Nobody there is not 400 failures.
    const usages = await usagesOf(settings);
    const results = await runAll(cases, { ...settings, usages }, suite);
    process.stdout.write(formatText(results));
    if (options.junit !== undefined) writeFileSync(options.junit, formatJunit(results));
    const { passed, failed } = countsOf(results);
    if (passed + failed === 0) throw new NotRun('no case is applicable');
    return failed === 0 ? exitCode.conforms : exitCode.failures;
  } finally {
    client.close();
  }
}

async function main(words: readonly string[]): Promise<number> {
  const call = readOptions(words);
  switch (call.kind) {
    case 'help':
      process.stdout.write(helpText);
      return exitCode.conforms;
    case 'list':
      for (const { id, clause, title } of chosen(readSuite(folder).cases, call.only)) {
        process.stdout.write(`${clause}\t${id}\t${title}\n`);
      }
      return exitCode.conforms;
    case 'run':
      return await run(call.options);
    case 'wrong':
      throw new NotRun(call.message);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const expected = error instanceof NotRun || error instanceof BadCases || error instanceof NoAnswer;
  const message =
    error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : 'unknown';
  process.stderr.write(`conformance: ${message}\n`);
  process.exitCode = exitCode.notRun;
}
