import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Project } from './project.js';

describe('scripts/prune-build.mjs', () => {
  let project: Project;

  beforeEach(async () => {
    project = await Project.make();
  });

  afterEach(async () => {
    await project.dispose();
  });

  const prune = (): string => {
    const script = join(project.root, 'scripts/prune-build.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
    expect(status, stderr).to.equal(0);
    return stdout;
  };

  const built = async (): Promise<readonly string[]> =>
    (await readdir(join(project.root, 'dist'), { recursive: true })).sort();

  it('removes the output of a source that has moved, and the folder that this leaves empty', async () => {
    await project.write('src/new/a.ts', '');
    for (const file of ['src/new/a.js', 'src/new/a.js.map', 'src/old/a.js', 'src/old/a.js.map']) {
      await project.write(`dist/${file}`, '');
    }
    expect(prune().split('\n').slice(0, -1)).to.deep.equal([
      'removed dist/src/old/a.js: it has no source',
      'removed dist/src/old/a.js.map: it has no source',
    ]);
    expect(await built()).to.deep.equal(['src', 'src/new', 'src/new/a.js', 'src/new/a.js.map']);
  });

  it('leaves what the compiler keeps there for itself, and says nothing where nothing is to be removed', async () => {
    await project.write('dist/.tsbuildinfo', '{}');
    expect(prune()).to.equal('');
    expect(await built()).to.deep.equal(['.tsbuildinfo']);
  });

  it('takes no harm where nothing was built yet', () => {
    expect(prune()).to.equal('');
  });

  it('lets the compiler build a source that comes back', async () => {
    await project.write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          rootDir: '.',
          outDir: 'dist',
          incremental: true,
          tsBuildInfoFile: 'dist/.tsbuildinfo',
          noLib: true,
          types: [],
        },
        include: ['src'],
      }),
    );
    const compile = (): void => {
      spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '--noCheck'], { cwd: project.root });
    };
    await project.write('src/stays.ts', 'export const a = 1;');
    await project.write('src/moves.ts', 'export const b = 2;');
    compile();
    expect(await built()).to.include('src/moves.js');
    await project.remove('src/moves.ts');
    compile();
    prune();
    expect(await built()).not.to.include('src/moves.js');
    await project.write('src/moves.ts', 'export const b = 2;');
    compile();
    expect(await built()).to.include('src/moves.js');
  });
});
