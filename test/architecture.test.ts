import { expect } from 'chai';
import { importsOf, readModules, type ModuleImports } from './support/imports.js';

/** The layers of the design: a folder imports only from folders above it, and from itself. */
const layers = [
  'base',
  'xml',
  'store',
  'sip',
  'xcap',
  'auth',
  'groups',
  'documents',
  'interconnection',
  'notification',
  'http',
  'top',
] as const;

/** Where packages and modules of Node.js that reach outside the process may be imported. */
const foreign: Readonly<Record<string, RegExp>> = {
  'libxml2-wasm': /^xml\//,
  'fast-xml-parser': /^xml\//,
  xmlbuilder2: /^xml\//,
  lowdb: /^store\//,
  koa: /^http\//,
  pino: /^base\/log\.ts$/,
  yaml: /^config-file\.ts$/,
  zod: /^config(-rows)?\.ts$/,
  diff: /^cli\//,
  // The store's files; the schemas and the configuration, read once at start; the demo's fixtures.
  'node:fs': /^(store\/|xml\/schemas\.ts$|main\.ts$)/,
  'node:fs/promises': /^(store\/|config-file\.ts$|cli\/)/,
  'node:path': /^(store\/|xml\/schemas\.ts$|config|cli\/)/,
  'node:url': /^(cli\/|xml\/schemas\.ts$)/,
  'node:os': /^cli\//,
  'node:util': /^cli\//,
  'node:crypto': /^(base\/(random|digest)\.ts|store\/)/,
  // The folder lock is a socket; the HTTP server has an address.
  'node:net': /^(store\/|http\/|cli\/)/,
  // Servers in http/ and in the demo; the only client is outbound.ts.
  'node:http': /^(http\/|interconnection\/outbound\.ts$|cli\/demo\.ts$)/,
  'node:https': /^interconnection\/outbound\.ts$/,
  'node:worker_threads': /^interconnection\/policy-(runner|worker)\.ts$/,
  'node:timers/promises': /^interconnection\//,
};

/** What makes code depend on the moment or on chance; a clock and a source of randomness are passed in. */
const impure = /\b(?:Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|process\.)/;

function layerOf(file: string): number {
  const [folder] = file.split('/');
  const named = layers.findIndex((layer) => layer === folder);
  // The files beside the folders, and cli/, are the top.
  return named >= 0 ? named : layers.length - 1;
}

function violations({ file, own, foreign: packages, forbidden }: ModuleImports): string[] {
  const found = forbidden.map((problem) => `${file}: ${problem}`);
  for (const imported of own) {
    if (layerOf(imported) > layerOf(file)) found.push(`${file} imports ${imported}, which is below it`);
  }
  for (const name of packages) {
    if (foreign[name]?.test(file) !== true) found.push(`${file} imports ${name}`);
  }
  return found;
}

/** A path of imports from a module back to itself, or undefined. */
function cycle(modules: readonly ModuleImports[]): readonly string[] | undefined {
  const graph = new Map(modules.map(({ file, own }) => [file, own]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found !== undefined) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const found = visit(file, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

describe('architecture', () => {
  const modules = readModules();

  it('finds the modules it is to check', () => {
    const files = modules.map(({ file }) => file);
    expect(files).to.include.members(['http/pipeline.ts', 'base/errors.ts', 'system.ts']);
  });

  it('imports run one way, and packages stand where the design puts them', () => {
    expect(modules.flatMap(violations)).to.deep.equal([]);
  });

  it('imports only modules that exist', () => {
    const files = new Set(modules.map(({ file }) => file));
    const missing = modules.flatMap(({ file, own }) => {
      return own.filter((imported) => !files.has(imported)).map((imported) => `${file}: ${imported}`);
    });
    expect(missing).to.deep.equal([]);
  });

  it('has no cycle of modules', () => {
    expect(cycle(modules)).to.equal(undefined);
  });

  it('layer 2 is pure: no module of Node.js, no package, no clock, no chance', () => {
    const pure = modules.filter(({ file }) => /^(xcap|auth|groups)\//.test(file));
    expect(pure).to.not.be.empty;
    expect(
      pure.flatMap(({ file, foreign: packages }) => packages.map((name) => `${file}: ${name}`)),
    ).to.deep.equal([]);
    expect(pure.filter(({ text }) => impure.test(text)).map(({ file }) => file)).to.deep.equal([]);
  });

  it('sees each kind of violation where one is planted', () => {
    const planted: readonly (readonly [string, string, string])[] = [
      ['xcap/a.ts', "import { x } from '../http/b.js';", 'xcap/a.ts imports http/b.ts, which is below it'],
      ['base/a.ts', "export { x } from '../xml/b.js';", 'base/a.ts imports xml/b.ts, which is below it'],
      ['groups/a.ts', "const x = await import('koa');", 'groups/a.ts imports koa'],
      ['http/a.ts', "type X = import('lowdb').Low;", 'http/a.ts imports lowdb'],
      ['http/a.ts', 'const x = await import(name);', 'http/a.ts imports computed import()'],
      ['notification/a.ts', "import http from 'node:http';", 'notification/a.ts imports node:http'],
      ['xml/a.ts', 'export default 1;', 'xml/a.ts: default export'],
      ['xml/a.ts', 'export default function f() {}', 'xml/a.ts: default export'],
      ['xml/a.ts', "export * from './b.js';", 'xml/a.ts: export *'],
      ['xml/index.ts', '', 'xml/index.ts: barrel'],
    ];
    for (const [file, text, expected] of planted) {
      expect(violations(importsOf(file, text)), text).to.deep.equal([expected]);
    }
    const a = importsOf('xml/a.ts', "import './b.js';");
    const b = importsOf('xml/b.ts', "import './a.js';");
    expect(cycle([a, b])).to.deep.equal(['xml/a.ts', 'xml/b.ts', 'xml/a.ts']);
    expect(impure.test('const now = Date.now();')).to.equal(true);
  });
});
