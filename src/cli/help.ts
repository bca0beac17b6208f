import { type CommandForm, commands, type OptionForm, options } from './commands.js';

const allOptions: Readonly<Record<string, OptionForm>> = options;
const allCommands: readonly (readonly [string, CommandForm])[] = Object.entries(commands);

function withValue(name: string): string {
  return [`--${name}`, allOptions[name]?.value].join(' ').trimEnd();
}

function optionsUsage(form: CommandForm): string[] {
  return form.options.map((name) => {
    const word = withValue(name);
    const more = allOptions[name]?.repeated ? ` [${word}]...` : '';
    return `${form.required?.includes(name) ? word : `[${word}]`}${more}`;
  });
}

function usage([name, form]: readonly [string, CommandForm], given = optionsUsage(form)): string {
  return [name, ...given, ...Object.values(form.operands ?? {})].join(' ');
}

/** The usage lines; commands of operators stand two in a line, beside them the options that they share. */
function usageLines(): string[] {
  const isOperators = ([, form]: readonly [string, CommandForm]): boolean => form.operator === true;
  const shared = optionsUsage(commands.peers);
  const operators = allCommands.filter(isOperators).map((command) => {
    const own = optionsUsage(command[1]).filter((option) => !shared.includes(option));
    return usage(command, own);
  });
  const lines = allCommands.map((command) => {
    if (!isOperators(command)) return usage(command);
    // Two are taken at a time: for every second one nothing is left, and its line falls away.
    const [left = '', right = ''] = operators.splice(0, 2);
    return `${left.padEnd(23)}| ${right.padEnd(24)}${shared.splice(0, 2).join(' ')}`.replace(/[ |]+$/, '');
  });
  return lines.filter((line) => line !== '');
}

/** Words with what they mean; a command without a text of its own stands with the one before. */
function glossary(entries: readonly (readonly [string, string | undefined])[]): string {
  const lines: { term: string; text: string }[] = [];
  for (const [term, text] of entries) {
    const last = lines.at(-1);
    if (text === undefined && last !== undefined) last.term += `, ${term}`;
    else lines.push({ term, text: text ?? '' });
  }
  const below = `\n${' '.repeat(18)}`;
  return lines.map(({ term, text }) => `  ${term.padEnd(15)} ${text.replaceAll('\n', below)}\n`).join('');
}

/** The text of `mcgms --help`. */
export const helpText = `mcgms - group management server for mission critical communications

Usage:
${[...usageLines(), '--help | --version'].map((line) => `  mcgms ${line}\n`).join('')}
Commands:
${glossary(allCommands.map(([name, { help }]) => [name, help]))}
Options:
${glossary([
  ...Object.entries(allOptions).map(([name, { help }]) => [withValue(name), help] as const),
  ['--help', 'Show this text.'],
  ['--version', 'Show the version.'],
])}
Exit codes: 0 done, 1 failed, 64 wrong call, 65 a document is not valid, 66 it cannot be read,
69 store unusable, 78 wrong configuration. policy test: 0 whether or not the group is modified,
1 where the policies cannot be applied to it. Commands that ask a server that runs: 0 done,
1 it refuses or does not answer, groups differ (verify), stay different (verify --repair) or could
not be had (refetch, accept-removals), nothing is owed of the group (resend), 2 wrong call.
`;
