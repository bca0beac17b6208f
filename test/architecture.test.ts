import { expect } from 'chai';
import { importsOf, readModules, type ModuleImports } from './support/imports.js';

/**
 * The floors of the house, from the ground up: a folder imports only from folders on lower floors, and from
 * itself. Folders of one floor do not know each other. `''` are the files beside the folders.
 */
const floors: readonly (readonly string[])[] = [
  ['base'],
  ['xml', 'store', 'outbound', 'mc-systems'],
  ['xml/xpath', 'store/lmdb', 'xcap', 'auth', 'config/kinds'],
  ['documents', 'config'],
  ['groups', 'usages'],
  ['policy/group-schema', 'audit', 'notification'],
  ['policy/language'],
  ['policy/edit'],
  ['policy', 'interconnection/result'],
  ['policy/preview', 'judgement'],
  ['interconnection'],
  ['interconnection/primary', 'interconnection/partner'],
  ['interconnection/operations', 'interconnection/sharing'],
  ['http'],
  ['http/operations', 'http/xcap'],
  ['gms'],
  ['gateway'],
  ['cli'],
  ['cli/demo', 'cli/operate'],
  [''],
];

/** Where packages and modules of Node.js that reach outside the process may be imported. */
const foreign: Readonly<Record<string, RegExp>> = {
  'libxml2-wasm': /^xml\//,
  'libxml2-wasm/lib/libxml2.mjs': /^xml\/engine-errors\.ts$/,
  'fast-xml-parser': /^xml\//,
  xmlbuilder2: /^xml\//,
  lowdb: /^store\/lmdb\/(lmdb-store|record-adapter)\.ts$/,
  lmdb: /^store\/lmdb\/environment\.ts$/,
  koa: /^http\/server\.ts$/,
  'koa-compose': /^http\/server\.ts$/,
  pino: /^base\/log\.ts$/,
  yaml: /^config\//,
  zod: /^config\//,
  diff: /^cli\//,
  // The store's files; the schemas and the configuration, read once at start; the demo's fixtures.
  'node:fs': /^(store\/|xml\/schemas\.ts$|program\.ts$)/,
  'node:fs/promises': /^(store\/|audit\/(line-log|rotated-file)\.ts$|config\/|cli\/)/,
  'node:path':
    /^(store\/|audit\/(line-log|rotated-file)\.ts$|xml\/schemas\.ts$|config\/|g(ms|ateway)\/config|cli\/)/,
  // A configuration file is read up to its bound and judged by octets.
  'node:buffer': /^config\/file\.ts$/,
  'node:stream/consumers': /^config\/file\.ts$/,
  'node:url': /^(cli\/|store\/lmdb\/check-process\.ts$|xml\/schemas\.ts$)/,
  // The check of a store's file may end its process.
  'node:child_process': /^store\/lmdb\/check-process\.ts$/,
  'node:os': /^(cli\/|judgement\/pooled-judge\.ts$|base\/side-threads\.ts$)/,
  tinypool: /^judgement\/pooled-judge\.ts$/,
  'node:util': /^(cli\/|store\/lmdb\/environment\.ts$)/,
  'node:crypto': /^(base\/(random|digest)\.ts|store\/lmdb\/)/,
  // The folder lock is a socket; the HTTP server has an address.
  'node:net': /^(store\/lmdb\/|http\/entrances\.ts$|cli\/demo\/)/,
  // Servers in http/ and in the demo; the only client is outbound/.
  'node:http': /^(http\/|gateway\/(requests|passage)\.ts$|outbound\/|cli\/demo\/)/,
  // The folder lock awaits its socket.
  'node:events': /^store\/lmdb\//,
  'node:https': /^outbound\//,
  'node:worker_threads': /^(policy\/(runner|worker)|judgement\/worker)\.ts$/,
  'node:timers/promises': /^(outbound\/|store\/lmdb\/(open-store|upkeep)\.ts$)/,
};

/** What makes code depend on the moment or on chance; a clock and a source of randomness are passed in. */
const impure = /\b(?:Date\.now|new Date\(\)|Math\.random|setTimeout|setInterval|process\.)/;

/** The folder that a module of `src` lies in; `''` for the files beside the folders. */
function folderOf(file: string): string {
  const end = file.lastIndexOf('/');
  return end < 0 ? '' : file.slice(0, end);
}

/** The floor of a folder, from 0; -1 where the table does not name it. */
function floorOf(folder: string): number {
  return floors.findIndex((floor) => floor.includes(folder));
}

function violations({ file, own, foreign: packages, forbidden }: ModuleImports): string[] {
  const found = forbidden.map((problem) => `${file}: ${problem}`);
  const folder = folderOf(file);
  if (floorOf(folder) < 0) found.push(`${file} lies in a folder that no floor names`);
  for (const imported of own) {
    const target = folderOf(imported);
    if (target === folder || floorOf(target) < floorOf(folder)) continue;
    found.push(`${file} imports ${imported}, which is not on a lower floor`);
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
    expect(files).to.include.members(['http/xcap/pipeline.ts', 'base/errors.ts', 'main.ts']);
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

  it('every folder that the table names is there', () => {
    const there = new Set(modules.map(({ file }) => folderOf(file)));
    expect(floors.flat().filter((folder) => !there.has(folder))).to.deep.equal([]);
  });

  it('has no cycle of modules', () => {
    expect(cycle(modules)).to.equal(undefined);
  });

  it('the protocol, identity, groups and policy are pure: no module of Node.js, no package, no clock, no chance', () => {
    const pure = modules.filter(({ file }) =>
      /^(xcap|auth|groups|mc-systems|policy\/group-schema)\//.test(file),
    );
    expect(pure).to.not.be.empty;
    expect(
      pure.flatMap(({ file, foreign: packages }) => packages.map((name) => `${file}: ${name}`)),
    ).to.deep.equal([]);
    expect(pure.filter(({ text }) => impure.test(text)).map(({ file }) => file)).to.deep.equal([]);
  });

  it('sees each kind of violation where one is planted', () => {
    const planted: readonly (readonly [string, string, string])[] = [
      [
        'xcap/a.ts',
        "import { x } from '../http/b.js';",
        'xcap/a.ts imports http/b.ts, which is not on a lower floor',
      ],
      [
        'base/a.ts',
        "export { x } from '../xml/b.js';",
        'base/a.ts imports xml/b.ts, which is not on a lower floor',
      ],
      [
        'config/a.ts',
        "import { x } from '../gms/b.js';",
        'config/a.ts imports gms/b.ts, which is not on a lower floor',
      ],
      [
        'interconnection/primary/a.ts',
        "import { x } from '../partner/b.js';",
        'interconnection/primary/a.ts imports interconnection/partner/b.ts, which is not on a lower floor',
      ],
      [
        'interconnection/partner/a.ts',
        "import { x } from '../primary/b.js';",
        'interconnection/partner/a.ts imports interconnection/primary/b.ts, which is not on a lower floor',
      ],
      ['interconnection/attic/a.ts', '', 'interconnection/attic/a.ts lies in a folder that no floor names'],
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
