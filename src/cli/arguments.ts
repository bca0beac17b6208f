import { parseArgs } from 'node:util';
import { nearestName, quote } from '../base/text.js';
import { type Asked, type CommandForm, commands, type OptionForm, options } from './commands.js';
import { exitCode } from './exit.js';

/** What a command line asks for. */
export type Arguments =
  | Asked
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'wrong'; readonly message: string; readonly exitCode: number };

function wrong(message: string, code: number = exitCode.usage): Arguments {
  return { command: 'wrong', message: `${message}\nTry "mcgms --help".`, exitCode: code };
}

function suggestion(name: string, names: readonly string[], prefix = ''): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? '' : `; did you mean ${prefix}${nearest}?`;
}

/** The operands and options behind `command`, each by its name, or what is wrong with them. */
function sort(command: string, form: CommandForm, words: readonly string[]): Map<string, unknown> | string {
  const forms = new Map<string, OptionForm>(form.options.map((name) => [name, options[name]]));
  const types = [...forms].map(
    ([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }] as const,
  );
  const args = [...words];
  const { tokens } = parseArgs({ args, options: Object.fromEntries(types), strict: false, tokens: true });
  const operands: string[] = [];
  const given = new Map<string, readonly string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = forms.get(name);
    if (option === undefined || !rawName.startsWith('--')) {
      return `mcgms ${command} has no option ${quote(rawName)}${suggestion(name, form.options, '--')}`;
    }
    if (given.has(name) && option.repeated !== true) return `${rawName} is given twice`;
    if (option.value === undefined && value !== undefined) return `${rawName} takes no value`;
    const missing = value === undefined || value === '' || (!inlineValue && value.startsWith('-'));
    if (option.value !== undefined && missing) return `${rawName} needs a value: ${rawName} ${option.value}`;
    given.set(name, [...(given.get(name) ?? []), value ?? '']);
  }
  const takes = Object.entries(form.operands ?? {});
  const [extra] = operands.slice(takes.length);
  if (extra !== undefined) return `mcgms ${command} does not take ${quote(extra)}`;
  const [, absent] = takes[operands.length] ?? [];
  if (absent?.startsWith('[') === false) return `mcgms ${command} needs ${absent}`;
  if (operands.includes('')) return `mcgms ${command} needs a name that is not empty`;
  const sorted = new Map<string, unknown>(takes.map(([name], index) => [name, operands[index]]));
  for (const [name, { value, repeated, right, read }] of forms) {
    const texts = given.get(name);
    const [text] = texts ?? [];
    if (text === undefined && form.required?.some((each) => each === name)) {
      return `mcgms ${command} needs --${name} ${value ?? ''}`;
    }
    const one = text !== undefined && read ? read(text) : text;
    if (text !== undefined && one === undefined) return `--${name} must be ${right}, not ${quote(text)}`;
    sorted.set(name, value === undefined ? texts !== undefined : repeated ? texts : one);
  }
  return sorted;
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
  const forms: readonly (readonly [string, CommandForm])[] = Object.entries(commands);
  const found = forms.find(([name]) => name === word || name === `${word} ${rest[0] ?? ''}`);
  if (found === undefined) {
    const names = forms.map(([name]) => name);
    const longer = names.find((name) => name.startsWith(`${word} `));
    if (longer !== undefined) return wrong(`mcgms ${word} needs a second word: mcgms ${longer}`);
    const near = suggestion(word, [...names, '--help', '--version']);
    return wrong(`there is no command ${quote(word)}${near}`);
  }
  const [command, form] = found;
  const sorted = sort(command, form, command === word ? rest : rest.slice(1));
  if (typeof sorted === 'string') return wrong(sorted, form.operator && exitCode.operatorUsage);
  const asked = Object.fromEntries(sorted);
  // The types of what is asked come from the table, as the values do.
  return (
    form.operator
      ? {
          command: 'operate',
          call: { action: command, peer: undefined, group: undefined, repair: false, ...asked },
        }
      : { command, ...asked }
  ) as Asked;
}
