import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** A small project in a temporary folder, with this project's scripts and compiler. */
export class Project {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), 'mcgms-scripts-')));
    await cp(join(repository, 'scripts'), join(project.root, 'scripts'), { recursive: true });
    await symlink(join(repository, 'node_modules'), join(project.root, 'node_modules'));
    await project.write('package.json', '{ "type": "module" }');
    return project;
  }

  /** @param path below the project, with `/` */
  async write(path: string, text: string): Promise<void> {
    const file = join(this.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** @param path below the project, with `/` */
  async remove(path: string): Promise<void> {
    await rm(join(this.root, path));
  }

  async dispose(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}
