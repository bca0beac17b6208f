import { isAbsolute, join } from 'node:path';
import { ConfigurationError } from '../base/errors.js';
import type { Xui } from '../base/identifiers.js';
import { checkText, type Judged, loadFile, type Warn } from '../config/file.js';
import type { OptionDescription } from '../config/manual.js';
import type { Output } from '../config/rows.js';
import { type DeepReadonly, type InputOf, type Judgement, OptionTable } from '../config/table.js';
import { formatPath } from '../config/words.js';
import { relate } from './config-rules.js';
import { advise } from './config-warnings.js';
import { options } from './options.js';

/** The configuration of the server: the values that its table of options gives, and the ways to them. */

type Table = DeepReadonly<Output<typeof options>>;

/**
 * A configuration in which every option has its value: times in milliseconds, sizes in bytes, URIs,
 * domains and prefixes in canonical form, `store.folder` relative to the working folder or absolute.
 */
export type Config = Omit<Table, 'groups'> & {
  readonly groups: Table['groups'] & { readonly creationXui: Xui };
};

export type DeclaredUsageConfig = Config['usages']['declared'][number];

/** A configuration as it is written in a file. */
export type ConfigInput = InputOf<Config>;

const table = new OptionTable(options, relate, advise);

/** Every option, in the order of the table. */
export function describeOptions(): OptionDescription[] {
  return table.describe();
}

/**
 * Judges a whole configuration. Pure: nothing is read, nothing is resolved against the machine.
 *
 * @param raw mappings, lists and scalars, as a YAML parser gives them
 * @param baseFolder what relative paths start at, but for that of the audit log
 * @returns the configuration and every warning, or every mistake in it, in no particular order
 */
export function checkConfig(raw: unknown, baseFolder: string): Judgement<Config> {
  const result = table.check(raw);
  if ('faults' in result) return result;
  const { groups, log, store, usages, ...rest } = result.config;
  const placed = (path: string): string => (isAbsolute(path) ? path : join(baseFolder, path));
  const declared = usages.declared.map(({ schema, ...usage }) => ({
    ...usage,
    schema: schema && placed(schema),
  }));
  const creationXui = groups.creationXui ?? (`sip:group-creation@${rest.system.domains[0] ?? ''}` as Xui);
  return {
    warnings: result.warnings,
    config: {
      ...rest,
      groups: { ...groups, creationXui },
      log: { ...log, file: log.file && placed(log.file) },
      store: { ...store, folder: placed(store.folder) },
      usages: { ...usages, declared },
    },
  };
}

/** Judges the text of a server's configuration file, as `checkText` does. */
export function checkConfigText(text: string, fileName: string): Judged<Config> {
  return checkText(text, fileName, checkConfig);
}

/** Reads and judges a server's configuration file, as `loadFile` does. */
export async function loadConfig(file: string, warn?: Warn): Promise<Config> {
  return await loadFile(file, checkConfig, warn);
}

const startingPoint: ConfigInput = {
  system: { domains: ['police.example'] },
  identity: { administrators: ['sip:admin@police.example'] },
  mcServiceServers: [{ identity: 'sip:mcptt-server@police.example' }],
  // The domain is an example: whoever tries the server may well write another one.
  groups: { unknownHomes: 'warn' },
};

function merge(base: unknown, over: unknown): unknown {
  const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (over === undefined) return base;
  if (!isMapping(base) || !isMapping(over)) return over;
  const merged = new Map(Object.entries(base));
  for (const [name, value] of Object.entries(over)) merged.set(name, merge(merged.get(name), value));
  return Object.fromEntries(merged);
}

/**
 * The configuration of a start without a file: development mode on 127.0.0.1:8080, documents in
 * `./data`, the domain `police.example` homed here with one administrator and one MC service server.
 *
 * @param overrides options that differ, written as in a file; lists replace lists, undefined is absent
 * @throws ConfigurationError naming every option that is wrong
 */
export function defaultConfig(overrides: ConfigInput = {}): Config {
  const result = checkConfig(merge(startingPoint, overrides), '.');
  if ('config' in result) return result.config;
  const lines = result.faults.map(({ option, message }) => `${formatPath(option)}: ${message}`);
  throw new ConfigurationError(lines.join('\n'));
}
