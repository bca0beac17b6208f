import { parseArgs } from 'node:util';
import { nearestName } from '../base/text.js';
import { quote } from '../base/text.js';

/** Exit code of a wrong call (EX_USAGE of sysexits.h). */
export const usageExitCode = 64;

/** Exit code of a wrong call of an operator's command, which scripts tell from 1: something failed or differs. */
export const usageErrorExitCode = 2;

/** What an operator asks of a server that runs. */
export interface OperatorCall {
  readonly action: OperatorCommand;
  readonly peer: string | undefined;
  readonly group: string | undefined;
  /** The file that tells the server's address and an administrator's identity; without one the defaults hold. */
  readonly config: string | undefined;
  /** The server's URL. */
  readonly server: string | undefined;
  /** The administrator's identity. */
  readonly as: string | undefined;
  /** Whether the answer is wanted as it came. */
  readonly json: boolean;
}

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
  | { readonly command: 'gateway'; readonly config: string }
  | {
      readonly command: 'check-config';
      readonly file: string;
      /** Whether the file is of a gateway. */
      readonly gateway: boolean;
    }
  | { readonly command: 'demo'; readonly keep: boolean }
  | {
      readonly command: 'policy test';
      /** Files of policies, one or more. */
      readonly policies: readonly string[];
      /** The file of the group document. */
      readonly group: string;
      /** The primary MC system that the group is taken to come from. */
      readonly system: string | undefined;
    }
  | { readonly command: 'operate'; readonly call: OperatorCall }
  | { readonly command: 'options'; readonly gateway: boolean }
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'wrong'; readonly message: string; readonly exitCode: number };

interface Form {
  /** Names of the operands, all of them required. */
  readonly operands: readonly string[];
  /** Names of the operands that may follow those. */
  readonly optional?: readonly string[];
  /** Options, each with what stands in the usage line for its value; undefined for a switch. */
  readonly options: ReadonlyMap<string, string | undefined>;
  /** The one option that may stand several times. */
  readonly repeatable?: string;
}

const operatorCommands = ['peers', 'verify', 'share', 'unshare', 'retry', 'refetch'] as const;
export type OperatorCommand = (typeof operatorCommands)[number];

const commands = [
  'serve',
  'gateway',
  'check-config',
  'policy test',
  ...operatorCommands,
  'demo',
  'options',
] as const;

const operatorOptions = new Map([
  ['json', undefined],
  ['config', 'FILE'],
  ['server', 'URL'],
  ['as', 'IDENTITY'],
]);

const forms: Readonly<Record<(typeof commands)[number], Form>> = {
  serve: {
    operands: [],
    options: new Map([
      ['config', 'FILE'],
      ['port', 'N'],
      ['data', 'FOLDER'],
    ]),
  },
  gateway: { operands: [], options: new Map([['config', 'FILE']]) },
  'check-config': { operands: ['FILE'], options: new Map([['gateway', undefined]]) },
  'policy test': {
    operands: [],
    options: new Map([
      ['policy', 'FILE'],
      ['group', 'FILE'],
      ['system', 'NAME'],
    ]),
    repeatable: 'policy',
  },
  peers: { operands: [], optional: ['NAME'], options: operatorOptions },
  verify: { operands: ['PEER'], options: operatorOptions },
  share: { operands: ['GROUP', 'PEER'], options: operatorOptions },
  unshare: { operands: ['GROUP', 'PEER'], options: operatorOptions },
  retry: { operands: ['PEER'], optional: ['GROUP'], options: operatorOptions },
  refetch: { operands: ['PEER'], optional: ['GROUP'], options: operatorOptions },
  demo: { operands: [], options: new Map([['keep', undefined]]) },
  options: { operands: [], options: new Map([['gateway', undefined]]) },
};

function wrong(message: string, exitCode: number = usageExitCode): Arguments {
  return { command: 'wrong', message: `${message}\nTry "mcgms --help".`, exitCode };
}

function isOperatorCommand(command: string): command is OperatorCommand {
  return (operatorCommands as readonly string[]).includes(command);
}

/** What an operator's command asks for. */
function operatorCall(action: OperatorCommand, { operands, options }: Given): Arguments {
  const [first, second] = operands;
  const [group, peer] = action === 'share' || action === 'unshare' ? [first, second] : [second, first];
  const server = options.get('server');
  if (server !== undefined && !(/^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(server) && URL.canParse(server))) {
    const right = 'an http or https URL such as http://127.0.0.1:8080';
    return wrong(`--server must be ${right}, not ${quote(server)}`, usageErrorExitCode);
  }
  const as = options.get('as');
  const json = options.has('json');
  return {
    command: 'operate',
    call: { action, peer, group, config: options.get('config'), server, as, json },
  };
}

function suggestion(name: string, names: readonly string[], prefix = ''): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
}

interface Given {
  readonly operands: readonly string[];
  readonly options: ReadonlyMap<string, string | undefined>;
  /** The values of the option that may stand several times. */
  readonly repeated: readonly string[];
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
  const repeated: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    if (!form.options.has(name) || !rawName.startsWith('--')) {
      return `mcgms ${command} has no option ${quote(rawName)}${suggestion(name, [...form.options.keys()], '--')}`;
    }
    if (options.has(name) && name !== form.repeatable) return `${rawName} is given twice`;
    const placeholder = form.options.get(name);
    if (placeholder === undefined && value !== undefined) return `${rawName} takes no value`;
    const missing = value === undefined || value === '' || (!inlineValue && value.startsWith('-'));
    if (placeholder !== undefined && missing) return `${rawName} needs a value: ${rawName} ${placeholder}`;
    options.set(name, value);
    if (name === form.repeatable && value !== undefined) repeated.push(value);
  }
  const [extra] = operands.slice(form.operands.length + (form.optional ?? []).length);
  if (extra !== undefined) return `mcgms ${command} does not take ${quote(extra)}`;
  const absent = form.operands[operands.length];
  if (absent !== undefined) return `mcgms ${command} needs ${absent}`;
  return operands.includes('')
    ? `mcgms ${command} needs a name that is not empty`
    : { operands, options, repeated };
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
  const command = commands.find((each) => each === word || each === `${word} ${rest[0] ?? ''}`);
  if (command === undefined) {
    const longer = commands.find((each) => each.startsWith(`${word} `));
    if (longer !== undefined) return wrong(`mcgms ${word} needs a second word: mcgms ${longer}`);
    const near = suggestion(word, [...commands, '--help', '--version']);
    return wrong(`there is no command ${quote(word)}${near}`);
  }
  const given = sort(command, forms[command], command === word ? rest : rest.slice(1));
  if (isOperatorCommand(command)) {
    return typeof given === 'string' ? wrong(given, usageErrorExitCode) : operatorCall(command, given);
  }
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
    case 'gateway': {
      const config = given.options.get('config');
      return config === undefined ? wrong('mcgms gateway needs --config FILE') : { command, config };
    }
    case 'check-config':
      return { command, file: given.operands[0] ?? '', gateway: given.options.has('gateway') };
    case 'policy test': {
      const group = given.options.get('group');
      if (given.repeated.length === 0) return wrong('mcgms policy test needs --policy FILE');
      if (group === undefined) return wrong('mcgms policy test needs --group FILE');
      return { command, policies: given.repeated, group, system: given.options.get('system') };
    }
    case 'demo':
      return { command, keep: given.options.has('keep') };
    case 'options':
      return { command, gateway: given.options.has('gateway') };
  }
}
