import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';
import { Project } from './project.js';

/** A program that says its version and what it was called with, and goes on until it is told to end. */
function server(version: number): string {
  return `declare const process: {
  readonly pid: number;
  readonly argv: readonly string[];
  once(signal: string, handle: () => void): void;
};
declare const setInterval: (handle: () => void, milliseconds: number) => unknown;
declare const clearInterval: (timer: unknown) => void;
declare const console: { log(text: string): void };
const timer = setInterval(() => undefined, 1000);
process.once('SIGTERM', () => {
  console.log('version ${version} ends');
  clearInterval(timer);
});
console.log('version ${version} as ' + process.pid + ': ' + process.argv.slice(2).join(' ') + '.');
`;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('npm run dev', () => {
  let project: Project;
  let dev: Command | undefined;

  beforeEach(async () => {
    project = await Project.make();
    const compilerOptions = { rootDir: '.', outDir: 'dist', target: 'es2023', module: 'nodenext', types: [] };
    await project.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['src'] }));
    await project.write('src/main.ts', server(1));
    const args = [join(project.root, 'scripts/dev.mjs'), 'serve', '--port', '0'];
    dev = new Command(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  });

  afterEach(async () => {
    dev?.kill('SIGINT');
    await dev?.exit();
    await project.dispose();
  });

  it('starts what it has built with the arguments given, starts it again on a change, and ends it on Ctrl-C', async () => {
    if (dev === undefined) throw new Error('it was not started');
    const [, first] = await dev.said(/version 1 as (\d+): serve --port 0\./);
    await dev.said(/Watching for file changes/);
    await project.write('src/main.ts', server(2));
    const [, second] = await dev.said(/version 2 as (\d+): serve --port 0\./);
    expect(dev.output, 'one after the other').to.match(/version 1 ends[^]*version 2 as/);
    dev.kill('SIGINT');
    expect(await dev.exit(), dev.errors).to.equal(0);
    expect(dev.output).to.include('version 2 ends');
    expect([first, second].map((pid) => isAlive(Number(pid)))).to.deep.equal([false, false]);
  });
});
