import { parseArgs } from 'node:util';
import { nearestName, quote } from '../config-words.js';

/** Exit code of a wrong call (EX_USAGE of sysexits.h). */
export const usageExitCode = 64;

/** What a command line asks for. */
export type Arguments =
  | {
      readonly command: 'serve';
      /** The configuration file; without one the defaults hold. */
      readonly config: string | undefined;
      /** Takes the place of `http.port`. */
      readonly port: number | undefined;
      /** Takes the place of `store.folder`; relative to the working folder. */
      readonly data: string | undefined;
    }
  | { readonly command: 'check-config'; readonly file: string }
  | { readonly command: 'demo'; readonly keep: boolean }
  | { readonly command: 'options' }
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'wrong'; readonly message: string; readonly exitCode: typeof usageExitCode };

/** The text of `mcgms --help`. */
export const helpText = `mcgms - group management server for mission critical communications

Usage:
  mcgms serve [--config FILE] [--port N] [--data FOLDER]
  mcgms check-config FILE
  mcgms demo [--keep]
  mcgms options
  mcgms --help | --version

Commands:
  serve           Run the server until it is told to stop.
  check-config    Show every mistake in a configuration file, each with its place.
  demo            Let two MC systems on this machine share groups, and show how.
  options         Show every option of a configuration file with its type and default.

Options:
  --config FILE   The configuration file. Without one: development mode on 127.0.0.1:8080,
                  documents in ./data, the domain police.example.
  --port N        Listen on this port, whatever the configuration says; 0 takes any free one.
  --data FOLDER   Keep documents here, whatever the configuration says.
  --keep          Leave both systems running until Ctrl-C.
  --help          Show this text.
  --version       Show the version.

Exit codes: 0 done, 1 failed, 64 wrong call, 69 store unusable, 78 wrong configuration.
`;

interface Form {
  /** Names of the operands, all of them required. */
  readonly operands: readonly string[];
  /** Options, each with what stands in the usage line for its value; undefined for a switch. */
  readonly options: ReadonlyMap<string, string | undefined>;
}

const commands = ['serve', 'check-config', 'demo', 'options'] as const;

const forms: Readonly<Record<(typeof commands)[number], Form>> = {
  serve: {
    operands: [],
    options: new Map([
      ['config', 'FILE'],
      ['port', 'N'],
      ['data', 'FOLDER'],
    ]),
  },
  'check-config': { operands: ['FILE'], options: new Map() },
  demo: { operands: [], options: new Map([['keep', undefined]]) },
  options: { operands: [], options: new Map() },
};

function wrong(message: string): Arguments {
  return { command: 'wrong', message: `${message}\nTry "mcgms --help".`, exitCode: usageExitCode };
}

function suggestion(name: string, names: readonly string[], prefix = ''): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
}

interface Given {
  readonly operands: readonly string[];
  readonly options: ReadonlyMap<string, string | undefined>;
}

/** Sorts the words behind the command into operands and options, or says what is wrong with them. */
function sort(command: string, form: Form, words: readonly string[]): Given | string {
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      [...form.options].map(([name, value]) => [name, { type: value === undefined ? 'boolean' : 'string' }]),
    ),
    strict: false,
    tokens: true,
  });
  const operands: string[] = [];
  const options = new Map<string, string | undefined>();
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    if (!form.options.has(name) || !rawName.startsWith('--')) {
      return `mcgms ${command} has no option ${quote(rawName)}${suggestion(name, [...form.options.keys()], '--')}`;
    }
    if (options.has(name)) return `${rawName} is given twice`;
    const placeholder = form.options.get(name);
    if (placeholder === undefined && value !== undefined) return `${rawName} takes no value`;
    const missing = value === undefined || value === '' || (!inlineValue && value.startsWith('-'));
    if (placeholder !== undefined && missing) return `${rawName} needs a value: ${rawName} ${placeholder}`;
    options.set(name, value);
  }
  const [extra] = operands.slice(form.operands.length);
  if (extra !== undefined) return `mcgms ${command} does not take ${quote(extra)}`;
  const absent = form.operands[operands.length];
  if (absent !== undefined) return `mcgms ${command} needs ${absent}`;
  return operands.includes('') ? `mcgms ${command} needs a name that is not empty` : { operands, options };
}

/**
 * Reads a command line. Pure: nothing is printed, no file is looked at.
 *
 * @param words what stands behind `mcgms`
 * @returns what is asked for; a wrong call comes back as `wrong` with a message for standard error
 */
export function readArguments(words: readonly string[]): Arguments {
  const [word, ...rest] = words;
  if (word === undefined) return wrong('a command is missing');
  const beforeTerminator = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  if (word === 'help' || beforeTerminator.some((each) => each === '--help' || each === '-h')) {
    return { command: 'help' };
  }
  if (word === '--version') {
    return rest.length === 0 ? { command: 'version' } : wrong('--version stands alone');
  }
  const command = commands.find((each) => each === word);
  if (command === undefined) {
    const near = suggestion(word, [...commands, '--help', '--version']);
    return wrong(`there is no command ${quote(word)}${near}`);
  }
  const given = sort(command, forms[command], rest);
  if (typeof given === 'string') return wrong(given);
  switch (command) {
    case 'serve': {
      const port = given.options.get('port');
      if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) {
        return wrong(`--port must be a whole number from 0 to 65535, not ${quote(port)}`);
      }
      return {
        command,
        config: given.options.get('config'),
        port: port === undefined ? undefined : Number(port),
        data: given.options.get('data'),
      };
    }
    case 'check-config':
      return { command, file: given.operands[0] ?? '' };
    case 'demo':
      return { command, keep: given.options.has('keep') };
    case 'options':
      return { command };
  }
}
