import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from '../support/command.js';

/**
 * What keeps a command from starting is told in one line, which names the file or the address as the operator wrote
 * it, and says what would be right. In the arguments and lines, `@` stands for the folder of the test, `#` for a port
 * that somebody listens on.
 */
interface Failure {
  readonly title: string;
  readonly args: readonly string[];
  /** Options beside those that a file must have; the file is `@/gms.yaml`. */
  readonly options?: string;
  readonly code: number;
  readonly line: string;
}

const usage = (schema: string): string =>
  `usages: { declared: [{ auid: notes, defaultNamespace: urn:n, mediaType: a/b, schema: ${schema} }] }`;
const serve = ['serve', '--config', '@/gms.yaml'];
const check = ['check-config', '@/gms.yaml'];
const noFile = 'cannot be read: there is no such file';

const failures: readonly Failure[] = [
  ...[serve, check, ['peers', '--config', '@/gms.yaml'], ['gateway', '--config', '@/gms.yaml']].map(
    (args): Failure => ({
      title: `mcgms ${args[0] ?? ''}: no configuration file`,
      args: args.map((word) => word.replace('gms.yaml', 'absent.yaml')),
      code: 78,
      line: `@/absent.yaml: ${noFile}`,
    }),
  ),
  {
    title: 'a configuration file that is a folder',
    args: ['serve', '--config', '@/folder'],
    code: 78,
    line: '@/folder: cannot be read: it is a folder',
  },
  {
    title: 'a configuration file behind links in a circle',
    args: ['check-config', '@/circle'],
    code: 78,
    line: '@/circle: cannot be read: its symbolic links lead in a circle',
  },
  {
    title: 'a configuration file with tabs',
    args: ['serve', '--config', '@/tabs.yaml'],
    code: 78,
    line: '@/tabs.yaml:2:1: is not valid YAML: Tabs are not allowed as indentation',
  },
  {
    title: 'a configuration file in UTF-16',
    args: ['check-config', '@/utf-16.yaml'],
    code: 78,
    line: '@/utf-16.yaml:1:1: is not UTF-8 from here on; save the file as UTF-8',
  },
  ...[serve, check].flatMap((args): Failure[] => [
    {
      title: `mcgms ${args[0] ?? ''}: a schema that is missing`,
      args,
      options: usage('none/notes.xsd'),
      code: 78,
      line: `@/gms.yaml: usages.declared[0].schema: schema @/none/notes.xsd does not compile: it ${noFile}`,
    },
    {
      title: `mcgms ${args[0] ?? ''}: a schema that is a folder`,
      args,
      options: usage('folder'),
      code: 78,
      line: '@/gms.yaml: usages.declared[0].schema: schema @/folder does not compile: it cannot be read: it is a folder',
    },
    {
      title: `mcgms ${args[0] ?? ''}: a schema that is empty`,
      args,
      options: usage('file'),
      code: 78,
      line: '@/gms.yaml: usages.declared[0].schema: schema @/file does not compile: Document is empty',
    },
  ]),
  {
    title: 'an audit log in a folder that is missing',
    args: serve,
    options: 'audit: { file: none/audit.jsonl }',
    code: 69,
    line: 'mcgms: the audit log @/data/none/audit.jsonl cannot be opened: its folder is missing; make it first (ENOENT)',
  },
  {
    title: 'an audit log that is a folder',
    args: serve,
    options: 'audit: { file: ../folder }',
    code: 69,
    line: 'mcgms: the audit log @/folder cannot be opened: it is a folder (EISDIR)',
  },
  {
    title: 'an audit log below a file',
    args: serve,
    options: 'audit: { file: ../file/audit.jsonl }',
    code: 69,
    line: 'mcgms: the audit log @/file/audit.jsonl cannot be opened: a part of its path is not a folder (ENOTDIR)',
  },
  {
    title: 'a log in a folder that is missing',
    args: serve,
    options: 'log: { file: none/gms.log }',
    code: 69,
    line: 'mcgms: the log @/none/gms.log cannot be opened: its folder is missing; make it first (ENOENT)',
  },
  {
    title: 'a log of a gateway in a folder that is missing',
    args: ['gateway', '--config', '@/gateway.yaml'],
    code: 69,
    line: 'mcgms: the log @/none/gateway.log cannot be opened: its folder is missing; make it first (ENOENT)',
  },
  {
    title: 'a port that is taken',
    args: ['serve', '--port', '#', '--data', '@/data'],
    code: 1,
    line: 'mcgms: cannot listen on 127.0.0.1:#: another process listens there; stop it, or choose another port (EADDRINUSE)',
  },
  {
    title: 'a policy that is missing',
    args: ['policy', 'test', '--policy', '@/absent.xml', '--group', '@/absent.xml'],
    code: 66,
    line: '@/absent.xml: cannot be read: ENOENT: there is no such file',
  },
  {
    title: 'a policy that is a folder',
    args: ['policy', 'test', '--policy', '@/folder', '--group', '@/absent.xml'],
    code: 66,
    line: '@/folder: cannot be read: EISDIR: it is a folder',
  },
  {
    title: 'a server that does not run',
    args: ['peers', '--server', 'http://127.0.0.1:1'],
    code: 1,
    line: 'mcgms: no server answers at http://127.0.0.1:1/operations: the connection failed (ECONNREFUSED)',
  },
];

/** These hold for users to whom the system can deny something. */
const deniable: readonly Failure[] = [
  {
    title: 'a configuration file that may not be read',
    args: ['serve', '--config', '@/secret'],
    code: 78,
    line: '@/secret: cannot be read: permission denied',
  },
  {
    title: 'an audit log that may not be made',
    args: serve,
    options: 'audit: { file: ../locked/audit.jsonl }',
    code: 69,
    line: 'mcgms: the audit log @/locked/audit.jsonl cannot be opened: permission denied; this user must be able to write the file, or to make files in @/locked (EACCES)',
  },
];

describe('What keeps a command from starting', function () {
  this.timeout(30_000);
  let folder: string;
  const blocker = createServer();

  before(async () => {
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  });

  after(() => {
    blocker.close();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-start-'));
    await mkdir(join(folder, 'folder'));
    await mkdir(join(folder, 'locked'), { mode: 0o500 });
    await symlink('circle', join(folder, 'circle'));
    const files = {
      file: '',
      'tabs.yaml': 'system:\n\tdomains: [police.example]\n',
      'gateway.yaml': `system: { identity: 'sip:gms@fire.example' }
outside: { port: 0 }
gms: [{ name: a, identity: 'sip:a@fire.example', root: 'http://127.0.0.1:1/x', domains: [fire.example] }]
log: { file: none/gateway.log }
`,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    await writeFile(join(folder, 'utf-16.yaml'), Buffer.from('\ufeffsystem: {}', 'utf16le'));
    await writeFile(join(folder, 'secret'), '', { mode: 0 });
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const isDeniable = process.getuid?.() !== 0;
  for (const { title, args, options = '', code, line } of [...failures, ...(isDeniable ? deniable : [])]) {
    it(`${title}: one line, exit code ${code}`, async () => {
      const { port } = blocker.address() as AddressInfo;
      const meant = (text: string): string =>
        text.replaceAll('@/', `${folder}/`).replaceAll('#', String(port));
      const file = `system: { domains: [police.example] }
http: { port: 0 }
identity: { administrators: ['sip:admin@police.example'] }
${options}
`;
      await writeFile(join(folder, 'gms.yaml'), file);
      const command = Command.run(...args.map(meant));
      expect(await command.exit(), command.errors).to.equal(code);
      const told = command.errors.split('\n').filter((each) => !each.startsWith('{'));
      expect(told).to.deep.equal([meant(line), '']);
      expect(command.output).to.equal('');
    });
  }
});
