import { basename, dirname } from 'node:path';
import type { FileCalls } from '../../src/store/file-calls.js';
import { systemError } from '../unit/store/watched-calls.js';

/**
 * A disk in memory that forgets, at a power cut, what was not fsynced. The content of a file lasts from
 * its fsync, the names in a folder from the folder's fsync, and each fsync covers only what was there when
 * it began. What was not covered may be there after the cut or not, each name and each file for
 * itself, a file also in part: that is more than any file system does, so what survives this survives all.
 */

interface FileNode {
  content: Buffer;
  durable: Buffer;
}

interface FolderNode {
  names: Map<string, FileNode | FolderNode>;
  durable: Map<string, FileNode | FolderNode>;
}

type Node = FileNode | FolderNode;

function isFolder(node: Node): node is FolderNode {
  return 'names' in node;
}

function newFolder(): FolderNode {
  return { names: new Map(), durable: new Map() };
}

/** A fsync that this disk acknowledges without doing it. */
export type Lie = 'fsync' | 'fsyncFolder';

export class MemoryDisk implements FileCalls {
  readonly #root: FolderNode;
  readonly #fraction: () => number;
  readonly #lie: Lie | undefined;
  readonly #opened = new Map<number, Node>();
  #callsLeft = Infinity;

  private constructor(root: FolderNode, fraction: () => number, lie: Lie | undefined) {
    this.#root = root;
    this.#fraction = fraction;
    this.#lie = lie;
  }

  /** A disk on which only the folders of `path` are. */
  static holding(path: string, fraction: () => number, lie?: Lie): MemoryDisk {
    const root = newFolder();
    let folder = root;
    for (const name of path.split('/').slice(1)) {
      const below = newFolder();
      folder.names.set(name, below);
      folder.durable.set(name, below);
      folder = below;
    }
    return new MemoryDisk(root, fraction, lie);
  }

  /** Cuts the power in so many calls from now; every call from then on fails. */
  cutAfter(calls: number): void {
    this.#callsLeft = calls;
  }

  /** Whether the power is cut. */
  get isCut(): boolean {
    return this.#callsLeft < 0;
  }

  /** What is found when the power is back. */
  afterCut(): MemoryDisk {
    const survivors = new Map<Node, Node>();
    return new MemoryDisk(this.#surviveFolder(this.#root, survivors), this.#fraction, this.#lie);
  }

  create = (path: string): Promise<number> =>
    this.#call(() => {
      const folder = this.#folder(dirname(path));
      if (folder.names.has(basename(path))) throw systemError('EEXIST');
      const file: FileNode = { content: Buffer.alloc(0), durable: Buffer.alloc(0) };
      folder.names.set(basename(path), file);
      return this.#descriptor(file);
    });

  write = (descriptor: number, bytes: Uint8Array): Promise<number> =>
    this.#call(() => {
      const file = this.#openFile(descriptor);
      // Now and then not all is taken.
      const taken = this.#fraction() < 0.9 ? bytes.length : Math.ceil(bytes.length * this.#fraction());
      file.content = Buffer.concat([file.content, bytes.subarray(0, taken)]);
      return taken;
    });

  fsync = async (descriptor: number): Promise<void> => {
    const covered = this.#openFile(descriptor).content;
    await this.#call(() => {
      if (this.#lie !== 'fsync') this.#openFile(descriptor).durable = covered;
    });
  };

  fsyncFolder = async (descriptor: number): Promise<void> => {
    const folder = this.#opened.get(descriptor);
    if (folder === undefined || !isFolder(folder)) throw systemError('EBADF');
    const covered = new Map(folder.names);
    await this.#call(() => {
      if (this.#lie !== 'fsyncFolder') folder.durable = covered;
    });
  };

  close = (descriptor: number): Promise<void> =>
    // A closed descriptor is closed, with or without power.
    Promise.resolve(void this.#opened.delete(descriptor));

  rename = (from: string, to: string): Promise<void> =>
    this.#call(() => {
      const source = this.#folder(dirname(from));
      const node = source.names.get(basename(from));
      if (node === undefined) throw systemError('ENOENT');
      source.names.delete(basename(from));
      this.#folder(dirname(to)).names.set(basename(to), node);
    });

  unlink = (path: string): Promise<void> =>
    this.#call(() => {
      if (!this.#folder(dirname(path)).names.delete(basename(path))) throw systemError('ENOENT');
    });

  read = (path: string): Promise<Buffer> =>
    this.#call(() => {
      const node = this.#folder(dirname(path)).names.get(basename(path));
      if (node === undefined) throw systemError('ENOENT');
      if (isFolder(node)) throw systemError('EISDIR');
      return node.content;
    });

  makeFolder = (path: string): Promise<void> =>
    this.#call(() => {
      const parent = this.#folder(dirname(path));
      if (parent.names.has(basename(path))) throw systemError('EEXIST');
      parent.names.set(basename(path), newFolder());
    });

  list = (path: string): Promise<string[]> => this.#call(() => [...this.#folder(path).names.keys()]);

  openFolder = (path: string): Promise<number> => this.#call(() => this.#descriptor(this.#folder(path)));

  /** Makes a call take a random while, so that calls overtake each other as on several threads. */
  async #call<T>(effect: () => T): Promise<T> {
    this.#callsLeft -= 1;
    for (let turns = Math.floor(this.#fraction() * 4); turns > 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (this.isCut) throw systemError('EIO');
    return effect();
  }

  #descriptor(node: Node): number {
    const descriptor = Math.max(2, ...this.#opened.keys()) + 1;
    this.#opened.set(descriptor, node);
    return descriptor;
  }

  #openFile(descriptor: number): FileNode {
    const node = this.#opened.get(descriptor);
    if (node === undefined || isFolder(node)) throw systemError('EBADF');
    return node;
  }

  #folder(path: string): FolderNode {
    let folder = this.#root;
    for (const name of path.split('/').filter((each) => each !== '')) {
      const below = folder.names.get(name);
      if (below === undefined) throw systemError('ENOENT');
      if (!isFolder(below)) throw systemError('ENOTDIR');
      folder = below;
    }
    return folder;
  }

  #surviveFolder(folder: FolderNode, survivors: Map<Node, Node>): FolderNode {
    const names = new Map<string, Node>();
    for (const name of new Set([...folder.names.keys(), ...folder.durable.keys()])) {
      const node = (this.#fraction() < 0.5 ? folder.names : folder.durable).get(name);
      if (node === undefined) continue;
      const survivor =
        survivors.get(node) ??
        (isFolder(node) ? this.#surviveFolder(node, survivors) : this.#surviveFile(node));
      survivors.set(node, survivor);
      names.set(name, survivor);
    }
    return { names, durable: new Map(names) };
  }

  #surviveFile({ content, durable }: FileNode): FileNode {
    if (content === durable) return { content, durable };
    const luck = this.#fraction();
    const partly = content.subarray(0, Math.floor(content.length * this.#fraction()));
    const survived = luck < 0.4 ? durable : luck < 0.7 ? partly : content;
    return { content: survived, durable: survived };
  }
}
