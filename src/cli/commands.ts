/** The commands of `mcgms` and their options: what may be called, and how it is explained. */

/** An option. */
export interface OptionForm {
  /** What stands in a usage line for its value; absent for a switch. */
  readonly value?: string;
  /** Whether it may stand several times. */
  readonly repeated?: true;
  /** What its value must be, and how that is read: undefined where it is not that. */
  readonly right?: string;
  readonly read?: (text: string) => unknown;
  readonly help: string;
}

export const options = {
  config: {
    value: 'FILE',
    help: 'The configuration file. Without one: development mode on 127.0.0.1:8080,\ndocuments in ./data, the domain police.example.',
  },
  port: {
    value: 'N',
    right: 'a whole number from 0 to 65535',
    read: (text: string) => (/^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined),
    help: 'Listen on this port, whatever the configuration says; 0 takes any free one.',
  },
  data: { value: 'FOLDER', help: 'Keep documents here, whatever the configuration says.' },
  policy: {
    value: 'FILE',
    repeated: true,
    help: 'A policy; given several times, they run by their precedence.',
  },
  group: { value: 'FILE', help: 'A group document as its primary MC system would provide it.' },
  system: {
    value: 'NAME',
    help: "That system, for the policies' guards. Without it: the first that a policy names.",
  },
  repair: { help: 'Tell and ask again of what differs, and say what was done.' },
  json: { help: "Show the server's answer as it came." },
  server: {
    value: 'URL',
    right: 'an http or https URL such as http://127.0.0.1:8080',
    read: (text: string) =>
      /^https?:\/\/[^/?#@]+(?:\/[^?#]*)?$/i.test(text) && URL.canParse(text) ? text : undefined,
    help: 'The server to ask, or its resources for operators. Without it: that of --config.',
  },
  as: {
    value: 'IDENTITY',
    help: 'The administrator to ask as. Without it: the first that --config names.',
  },
  keep: { help: 'Leave both systems running until Ctrl-C.' },
  replace: { help: 'Give up the store that is in the folder.' },
  gateway: { help: 'The configuration file is that of a gateway.' },
  markdown: { help: 'Show the options of both programs as one Markdown document.' },
} as const satisfies Readonly<Record<string, OptionForm>>;

/** A command. */
export interface CommandForm {
  /** Each operand's name in a usage line, in order; one in brackets may be left out. */
  readonly operands?: Readonly<Record<string, string>>;
  readonly options: readonly (keyof typeof options)[];
  readonly required?: readonly (keyof typeof options)[];
  /** Whether it asks a server that runs. */
  readonly operator?: true;
  /** What it does; absent where the command before it tells that. */
  readonly help?: string;
}

const operator = { operator: true, options: ['json', 'config', 'server', 'as'] } as const;

export const commands = {
  serve: { options: ['config', 'port', 'data'], help: 'Run the server until it is told to stop.' },
  gateway: {
    options: ['config'],
    required: ['config'],
    help: 'Stand between the servers of one MC system and other MC systems.',
  },
  'check-config': {
    operands: { file: 'FILE' },
    options: ['gateway'],
    help: 'Show every mistake in a configuration file, or else its warnings, each with\nits place.',
  },
  'policy test': {
    options: ['policy', 'group', 'system'],
    required: ['policy', 'group'],
    help: 'Show what policies make of a group, and store nothing.',
  },
  peers: {
    ...operator,
    operands: { peer: '[NAME]' },
    help: 'Show how every partner MC system stands, or one with all its groups.',
  },
  verify: {
    ...operator,
    options: ['repair', ...operator.options],
    operands: { peer: 'PEER' },
    help: 'Compare every group that is shared with a partner; change nothing\nwithout --repair.',
  },
  share: {
    ...operator,
    operands: { group: 'GROUP', peer: 'PEER' },
    help: 'Share one of our groups with a partner by name, or stop sharing it.',
  },
  unshare: { ...operator, operands: { group: 'GROUP', peer: 'PEER' } },
  retry: {
    ...operator,
    operands: { peer: 'PEER', group: '[GROUP]' },
    help: 'Try again what is pending or parked for a partner, or one group of it.',
  },
  resend: {
    ...operator,
    operands: { peer: 'PEER', group: '[GROUP]' },
    help: 'Tell a partner again of all groups that it should hold, or should hold no\nmore, or of one, whatever it is believed to hold.',
  },
  refetch: {
    ...operator,
    operands: { peer: 'PEER', group: '[GROUP]' },
    help: 'Ask a partner again for its groups that are held here, or for one of them.',
  },
  'accept-removals': {
    ...operator,
    operands: { peer: 'PEER' },
    help: 'Remove the groups of a partner that it says are gone, however many.',
  },
  forget: {
    ...operator,
    operands: { peer: 'PEER' },
    help: 'Drop what is owed to a system that is configured no more.',
  },
  backup: {
    operands: { folder: 'FOLDER', to: 'TO' },
    options: [],
    help: "Copy a store's folder into a new one. Its server may go on meanwhile.",
  },
  restore: {
    operands: { backup: 'BACKUP', folder: 'FOLDER' },
    options: ['replace'],
    help: 'Make a folder of a backup, for a server that is stopped.',
  },
  doctor: {
    operands: { folder: 'FOLDER' },
    options: [],
    help: 'Check all of a store whose server is stopped, or of a backup.',
  },
  demo: { options: ['keep'], help: 'Let two MC systems on this machine share groups, and show how.' },
  options: {
    options: ['gateway', 'markdown'],
    help: 'Show every option of a configuration file with its type and default.',
  },
} as const satisfies Readonly<Record<string, CommandForm>>;

type Commands = typeof commands;
type Options = typeof options;

type ValueOf<Option> = Option extends { repeated: true }
  ? readonly string[]
  : Option extends { read: (text: string) => infer Value }
    ? Exclude<Value, undefined>
    : string;

/** The operands of a command, and its options: undefined where they are not given, switches true or false. */
type Given<Form extends CommandForm> = {
  readonly [Name in keyof Form['operands']]:
    string | (Form['operands'][Name] extends `[${string}]` ? undefined : never);
} & {
  readonly [Name in Form['options'][number]]: Options[Name] extends { value: string }
    ? | ValueOf<Options[Name]>
      | (Form extends { required: readonly (infer R)[] } ? (Name extends R ? never : undefined) : undefined)
    : boolean;
};

export type OperatorCommand = {
  [Name in keyof Commands]: Commands[Name] extends { operator: true } ? Name : never;
}[keyof Commands];

/** What an operator asks of a server that runs. */
export type OperatorCall = Omit<Given<Commands['refetch']>, 'peer'> & {
  readonly action: OperatorCommand;
  readonly peer: string | undefined;
  readonly repair: boolean;
};

/** What a command asks for. */
export type Asked =
  | { readonly command: 'operate'; readonly call: OperatorCall }
  | {
      [Name in Exclude<keyof Commands, OperatorCommand>]: { readonly command: Name } & Given<Commands[Name]>;
    }[Exclude<keyof Commands, OperatorCommand>];
