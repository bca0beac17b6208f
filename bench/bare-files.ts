import fs from 'node:fs';
import { promisify } from 'node:util';

/**
 * The least that a durable write can be: a temporary file is written, fsynced and renamed, and the folder
 * is fsynced, one fsync for all renames that were complete when it began. No checksum, no index, no
 * condition, no cleaning up. What the store achieves is compared with this.
 */

const open = promisify(fs.open);
const write = promisify<number, Uint8Array, number>(fs.write);
const fsync = promisify(fs.fsync);
const close = promisify(fs.close);
const rename = promisify(fs.rename);

export class BareFiles {
  readonly #folder: string;
  readonly #descriptor: number;
  #serial = 0;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(folder: string) {
    fs.mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#descriptor = fs.openSync(folder, 'r');
  }

  /** Replaces file `name`; resolves when it is on disk. */
  async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#serial += 1;
    const temporary = `${this.#folder}/${this.#serial}.tmp`;
    const descriptor = await open(temporary, 'wx');
    await write(descriptor, bytes);
    await fsync(descriptor);
    await close(descriptor);
    await rename(temporary, `${this.#folder}/${name}`);
    await this.#flush();
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }

  /** Waits for an fsync of the folder that begins after this call. */
  #flush(): Promise<void> {
    this.#next ??= (this.#running ?? Promise.resolve()).then(() => {
      this.#next = undefined;
      this.#running = fsync(this.#descriptor);
      return this.#running;
    });
    return this.#next;
  }
}
