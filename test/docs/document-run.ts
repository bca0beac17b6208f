import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { checkGatewayConfig } from '../../src/gateway/config.js';
import { checkConfig } from '../../src/gms/config.js';
import { checkText, formatMistake } from '../../src/config/file.js';
import { Command } from '../support/command.js';
import { freePort } from '../support/peers.js';
import { readMarkdown, repository, type Block } from './markdown.js';

/**
 * Runs the examples of a document as a reader would: in order, in one shell, in a fresh folder that looks like
 * the repository. `docs/testing.md` says what the words behind a fence mean.
 */

/** Why a shell example may be left out. */
export const reasonsNotToRun: readonly string[] = [
  'installs packages',
  'runs the tests',
  'measures',
  'needs root',
];

export const shellLanguages: readonly string[] = ['sh', 'bash', 'shell', 'console', 'shell-session'];

/** The longest that one block may take, in milliseconds. */
const patience = 60_000;

/** How a block is run. */
export type Mode =
  | { readonly kind: 'script' | 'background' | 'session' }
  | { readonly kind: 'not-run'; readonly reason: string };

/** How the fence of a shell example says that it is run. @throws Error where it says something else */
export function modeOf({ place, language, info }: Block): Mode {
  const reason = /^not-run="([^"]*)"$/.exec(info)?.[1];
  if (reason !== undefined) {
    if (!reasonsNotToRun.includes(reason)) throw new Error(`${place}: "${reason}" is no reason not to run`);
    return { kind: 'not-run', reason };
  }
  if (language === 'sh' && info === '') return { kind: 'script' };
  if (language === 'sh' && info === 'background') return { kind: 'background' };
  if (language === 'console' && info === '') return { kind: 'session' };
  throw new Error(`${place}: \`\`\`${language} ${info} is not among the fences that docs/testing.md lists`);
}

/** The blocks of a document, behind those of the document that it continues where they are wanted. */
export async function blocksOf(path: string, { continued } = { continued: true }): Promise<readonly Block[]> {
  const { parts } = await readMarkdown(path);
  const blocks: Block[] = [];
  for (const part of parts) {
    if (!('comment' in part)) {
      blocks.push(part);
      continue;
    }
    const other = /^continues (\S+)$/.exec(part.comment)?.[1];
    if (other !== undefined && continued) blocks.unshift(...(await blocksOf(path.replace(/[^/]*$/, other))));
  }
  return blocks;
}

/** The name that the first line of an example gives its file: `# name.yaml: …`. */
export function fileNameOf(block: Block): string | undefined {
  return /^# ([\w-]+\.yaml)\b/.exec(block.text)?.[1];
}

/** What is wrong with an example of a configuration file. */
export function configMistakes(block: Block): readonly string[] {
  const name = fileNameOf(block);
  if (name === undefined) return [`${block.place}: the first line names no file (# name.yaml: …)`];
  const check = /\bgateway\b/.test(name) ? checkGatewayConfig : checkConfig;
  const result = checkText<unknown>(block.text, name, check);
  return 'mistakes' in result
    ? result.mistakes.map((mistake) => `${block.place}: ${formatMistake(mistake)}`)
    : [];
}

/** The statuses that comments such as `# Read it: 200` announce. */
export function announcedStatuses(script: string): readonly string[] {
  return [...script.matchAll(/^\s*#.*: (\d{3}(?:, \d{3})*)$/gm)].flatMap(([, list = '']) => list.split(', '));
}

/** The commands of a console example, each with the output that is shown. */
export function readSession(text: string): readonly { readonly command: string; readonly output: string }[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [, command = '', output = ''] = /^((?:.*\\\n)*.*)\n?([^]*)$/.exec(part) ?? [];
      return { command, output };
    });
}

/** Whether a command's output is what an example shows, but for times, entity tags and the width of columns. */
export function isShown(output: string, shown: string): boolean {
  const lines = (text: string): string[] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.trimEnd());
  const pattern = lines(shown).map((line) =>
    line
      .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\\\.\d{3})?Z/g, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z')
      .replace(/(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{22}(?![\w-])/g, '[\\w-]{22}')
      .replace(/ {2,}/g, ' {2,}'),
  );
  return new RegExp(`^${pattern.join('\n')}$`).test(lines(output).join('\n'));
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

export class DocumentRun {
  readonly #folder: string;
  readonly #scripts: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #shell: Command;
  readonly #background: Command[] = [];
  #count = 0;
  /** A test run that is broken off leaves no process behind. */
  readonly #killAll = (): void => {
    for (const { child } of [this.#shell, ...this.#background]) killGroup(child);
  };

  private constructor(folder: string, scripts: string, ports: ReadonlyMap<string, number>) {
    this.#folder = folder;
    this.#scripts = scripts;
    this.#ports = ports;
    this.#shell = this.#spawn(['--noprofile', '--norc'], 'pipe');
    process.once('exit', this.#killAll);
  }

  /** Prepares the folder, and free ports in place of those that the blocks name. */
  static async start(blocks: readonly Block[]): Promise<DocumentRun> {
    const named = blocks.flatMap(({ text }) =>
      [...text.matchAll(/(?:127\.0\.0\.1:|\bport: )(\d{4,5})\b/g)].map(([, port = '']) => port),
    );
    const ports = new Map<string, number>();
    for (const port of new Set(['8080', ...named])) ports.set(port, await freePort());
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-docs-'));
    for (const name of ['dist', 'fixtures', 'node_modules', 'package.json', 'schemas', 'scripts']) {
      await symlink(join(repository, name), join(folder, name));
    }
    const scripts = await mkdtemp(join(tmpdir(), 'mcgms-docs-scripts-'));
    // No progress bar among the output that a failure shows.
    await writeFile(join(scripts, '.curlrc'), 'silent\nshow-error\n');
    return new DocumentRun(folder, scripts, ports);
  }

  /** Keeps an example of a file for the blocks that follow. */
  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.#folder, name), `${this.#withPorts(text)}\n`);
  }

  /** Runs a block of a shell. @throws Error where it does not do what the document says */
  async run(block: Block): Promise<void> {
    const { kind } = modeOf(block);
    if (kind === 'script') {
      const { code, output, errors } = await this.#execute(block, `set -eo pipefail\n${block.text}`);
      const said = `${block.place}:\n${output}${errors}`;
      if (code !== 0) throw new Error(`exit code ${code ?? 'none, the shell has ended'}, ${said}`);
      const statuses = [...output.matchAll(/HTTP\/1\.1 ([2-5]\d\d)/g)].map(([, status = '']) => status);
      const announced = announcedStatuses(block.text);
      if (statuses.join() !== announced.join()) {
        throw new Error(`statuses ${statuses.join()}, not ${announced.join()}, ${said}`);
      }
    } else if (kind === 'background') {
      const command = this.#spawn([
        '--noprofile',
        '--norc',
        '-eo',
        'pipefail',
        '-c',
        this.#withPorts(block.text),
      ]);
      this.#background.push(command);
      await this.#within(block, command.said(/Ctrl-C stops/));
    } else if (kind === 'session') {
      for (const { command, output: shown } of readSession(block.text)) {
        const { output, errors } = await this.#execute(block, `set +e\n${command}`);
        if (!isShown(`${output}${errors}`, this.#withPorts(shown))) {
          throw new Error(`${block.place}: ${command} printed\n${output}${errors}`);
        }
      }
    }
  }

  /** Ends every process that a block has started, and removes the folder. */
  async end(): Promise<void> {
    this.#killAll();
    process.off('exit', this.#killAll);
    for (const command of [this.#shell, ...this.#background]) await command.exit();
    for (const folder of [this.#folder, this.#scripts]) {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  #spawn(words: readonly string[], stdin: 'pipe' | 'ignore' = 'ignore'): Command {
    const env = {
      ...process.env,
      // The Node.js of the test, whatever else is installed.
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      CURL_HOME: this.#scripts,
      npm_config_update_notifier: 'false',
    };
    const child = spawn('bash', words, {
      cwd: this.#folder,
      detached: true,
      env,
      stdio: [stdin, 'pipe', 'pipe'],
    });
    return new Command(child);
  }

  #withPorts(text: string): string {
    const port = this.#ports.get('8080') ?? 0;
    return text
      .replace(/\b\d{4,5}\b/g, (word) => String(this.#ports.get(word) ?? word))
      .replace(/^npm start$/m, `npm start -- --port ${port}`)
      .replace(/^node dist\/src\/main\.js serve$/m, `$& --port ${port}`);
  }

  /** Runs a script in the one shell; the code is undefined where the shell itself ended. */
  async #execute(
    block: Block,
    script: string,
  ): Promise<{ readonly code: number | undefined; readonly output: string; readonly errors: string }> {
    this.#count += 1;
    const file = join(this.#scripts, String(this.#count));
    await writeFile(file, `${this.#withPorts(script)}\n`);
    const done = this.#within(block, this.#shell.said(new RegExp(`^${this.#count} ended (\\d+)$`, 'm')));
    this.#shell.child.stdin?.write(
      `. '${file}' < /dev/null > '${file}.out' 2> '${file}.err'; printf '%s\\n' "${this.#count} ended $?"\n`,
    );
    let code: number | undefined;
    try {
      code = Number((await done)[1]);
    } catch (error) {
      if (this.#shell.child.exitCode === null) throw error;
    }
    const output = await readFile(`${file}.out`, 'utf8');
    const errors = await readFile(`${file}.err`, 'utf8');
    return { code, output, errors };
  }

  async #within<T>(block: Block, work: Promise<T>): Promise<T> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
    }, patience);
    try {
      const end = once(late.signal, 'abort').then(() => {
        throw new Error(`${block.place} does not come to its end`);
      });
      return await Promise.race([work, end]);
    } finally {
      clearTimeout(timer);
    }
  }
}
