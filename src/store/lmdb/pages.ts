import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/**
 * The pages of an LMDB file, read as octets and not through the engine, which trusts what they say: a wrong page
 * number ends the process. Two trees begin at a meta page: that of the entries, and that of the free pages. Each page
 * up to the last one belongs to one of them, or is free, and to one of these only.
 *
 * The free pages matter most. No checksum of an entry covers them, and whoever writes takes pages from there.
 *
 * The layout is that of the LMDB in the pinned package lmdb, on 64-bit machines, least octet first: a head of 24
 * octets, in which the flags stand at 18 and the bounds of the free room at 20 and 22.
 */

const headOctets = 24;
const nodeOctets = 8;
const treeOctets = 48;

/** Offsets in a meta page, behind its head. */
const meta = {
  magic: 24,
  version: 28,
  address: 32,
  mapSize: 40,
  pageSize: 48,
  free: 48,
  main: 96,
  lastPage: 144,
  transaction: 152,
} as const;
const magic = 0xbeefc0de;
const version = 2;

const branchPage = 1;
const leafPage = 2;
const overflowPage = 4;
const kindsOfPages = 0x0f;
const onOverflowPages = 1;

/** The flag of a tree whose keys are numbers: transactions, for the free pages. */
const numberKeys = 8;

/** The flag of a file that has no folder of its own; a copy may be without it. */
const singleFile = 0x4000;

/** Octets that no process can map more of. */
const largestMap = 2n ** 46n;

/** The root of an empty tree. */
const noPage = 2n ** 64n - 1n;

/** Up to so many pages all of a file is looked at where a sample would do. */
const fewPages = 16_384;

interface Tree {
  readonly root: bigint;
  readonly depth: number;
}

/** Something in a page is not as it must be. */
class BadPage extends Error {}

type Use = 'unknown' | 'used' | 'free';
const uses: readonly Use[] = ['unknown', 'used', 'free'];

class PageFile {
  readonly #descriptor: number;
  readonly pageSize: number;
  readonly lastPage: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly size: number;
  readonly #transaction: bigint;
  /** What each page is used for, as an index of `uses`. */
  readonly #marks: Uint8Array;

  /** @throws BadPage where the file has no meta page */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.size = fstatSync(descriptor).size;
    const page = this.#newestMeta();
    this.pageSize = page.readUInt32LE(meta.pageSize);
    this.lastPage = Number(page.readBigUInt64LE(meta.lastPage));
    this.free = treeAt(page, meta.free);
    this.main = treeAt(page, meta.main);
    // Each page is on disk or free; so many free ones behind the end of a file are no file of ours.
    if (!(this.lastPage >= 1 && this.lastPage * this.pageSize < 2 * this.size + 2 ** 24)) {
      throw new BadPage(`the file has ${this.size} octets, too few for ${this.lastPage} pages`);
    }
    const flags = page.readUInt16LE(meta.free + 4) & ~singleFile;
    const isMap =
      page.readBigUInt64LE(meta.address) === 0n && page.readBigUInt64LE(meta.mapSize) <= largestMap;
    if (!isMap || flags !== numberKeys || page.readUInt16LE(meta.main + 4) !== 0) {
      throw new BadPage('the meta page is wrong');
    }
    this.#transaction = page.readBigUInt64LE(meta.transaction);
    this.#marks = new Uint8Array(this.lastPage + 1).fill(1, 0, 2);
  }

  #newestMeta(): Buffer {
    let newest: Buffer | undefined;
    // A page has at least 4096 octets here; the first meta page tells how many.
    const first = this.#read(0, headOctets + 160);
    const pageSize = first.readUInt32LE(meta.pageSize);
    for (const page of [first, this.#read(pageSize, headOctets + 160)]) {
      if (page.readUInt32LE(meta.magic) !== magic || page.readUInt32LE(meta.version) !== version) continue;
      const size = page.readUInt32LE(meta.pageSize);
      if (size < 4096 || size > 65_536 || size % 4096 !== 0) continue;
      const at = page.readBigUInt64LE(meta.transaction);
      if (newest === undefined || at > newest.readBigUInt64LE(meta.transaction)) newest = page;
    }
    if (newest === undefined) throw new BadPage('the file is no LMDB file');
    return newest;
  }

  #read(at: number, length: number): Buffer {
    const octets = Buffer.alloc(length);
    const read = readSync(this.#descriptor, octets, 0, length, at);
    if (read < length) throw new BadPage(`the file ends at ${this.size} octets, before what it must hold`);
    return octets;
  }

  /** The number of a page that is not in use yet; it is from here on. */
  take(page: bigint, use: Use, count = 1): number {
    if (page < 2n || page + BigInt(count) > BigInt(this.lastPage) + 1n) {
      throw new BadPage(`page ${page} is outside of the file`);
    }
    const first = Number(page);
    for (let each = first; each < first + count; each += 1) {
      const before = uses[this.#marks[each] ?? 0];
      if (before !== 'unknown') throw new BadPage(`page ${each} is ${before} and ${use}`);
      this.#marks[each] = uses.indexOf(use);
    }
    return first;
  }

  /** The first page behind the end of the file that is not free; undefined where there is none. */
  missing(): number | undefined {
    const end = Math.floor(this.size / this.pageSize);
    const at = this.#marks.subarray(end).findIndex((mark) => uses[mark] !== 'free');
    return at < 0 ? undefined : end + at;
  }

  /** Takes the pages of all entries. */
  walkAll(): void {
    let before: Buffer | undefined;
    for (const { key } of this.#walk(this.main, false)) {
      if (before !== undefined && before.compare(key) >= 0) throw new BadPage('entries are out of order');
      before = key;
    }
  }

  /** The lists of free pages, by transaction. */
  *walkFree(): Generator<Buffer> {
    let before = 0n;
    for (const { key, data } of this.#walk(this.free, true)) {
      const transaction = key.length === 8 ? key.readBigUInt64LE(0) : 0n;
      if (transaction <= before || transaction > this.#transaction)
        throw new BadPage('a list of free pages is wrong');
      before = transaction;
      if (data !== undefined) yield data;
    }
  }

  /** The entries of a tree in their order; its pages are taken. */
  *#walk(
    { root, depth }: Tree,
    withData: boolean,
  ): Generator<{ readonly key: Buffer; readonly data: Buffer | undefined }> {
    if (root === noPage) return;
    const left: { readonly page: bigint; readonly level: number }[] = [{ page: root, level: 1 }];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const number = this.take(next.page, 'used');
      const page = this.#page(number, next.level < depth ? branchPage : leafPage);
      const nodes = nodesOf(page, number);
      if (next.level < depth) {
        // The first child is to be the next that is popped.
        for (const node of nodes.toReversed())
          left.push({ page: childOf(page, node), level: next.level + 1 });
        continue;
      }
      for (const node of nodes) {
        const start = node + nodeOctets;
        const key = page.subarray(start, start + page.readUInt16LE(node + 6));
        yield { key, data: this.#data(page, number, node, withData) };
      }
    }
  }

  #page(number: number, kind: number): Buffer {
    const page = this.#read(number * this.pageSize, this.pageSize);
    if (page.readBigUInt64LE(0) !== BigInt(number))
      throw new BadPage(`page ${number} says that it is another`);
    if ((page.readUInt16LE(18) & kindsOfPages) !== kind)
      throw new BadPage(`page ${number} is of another kind`);
    return page;
  }

  #data(page: Buffer, number: number, node: number, withData: boolean): Buffer | undefined {
    const size = page.readUInt16LE(node) + page.readUInt16LE(node + 2) * 65_536;
    const at = node + nodeOctets + page.readUInt16LE(node + 6);
    const isElsewhere = (page.readUInt16LE(node + 4) & onOverflowPages) !== 0;
    if (at + (isElsewhere ? 24 : size) > this.pageSize) throw new BadPage(`an entry leaves page ${number}`);
    if (!isElsewhere) return withData ? page.subarray(at, at + size) : undefined;
    const start = page.readBigUInt64LE(at);
    // A value that became smaller keeps its pages.
    const count = Number(page.readBigUInt64LE(at + 16));
    const least = Math.floor((headOctets - 1 + size) / this.pageSize) + 1;
    if (!(count >= least && count <= this.lastPage))
      throw new BadPage(`an entry of page ${number} has wrong pages`);
    const first = this.take(start, 'used', count);
    const head = this.#read(first * this.pageSize, headOctets);
    const isRight =
      head.readBigUInt64LE(0) === start && (head.readUInt16LE(18) & kindsOfPages) === overflowPage;
    if (!isRight || head.readUInt32LE(20) !== count) throw new BadPage(`page ${first} is of another kind`);
    return withData ? this.#read(first * this.pageSize + headOctets, size) : undefined;
  }
}

function treeAt(page: Buffer, at: number): Tree {
  return { root: page.readBigUInt64LE(at + treeOctets - 8), depth: page.readUInt16LE(at + 6) };
}

/** Where the nodes of a page begin. @throws BadPage */
function nodesOf(page: Buffer, number: number): readonly number[] {
  const [lower, upper] = [page.readUInt16LE(20), page.readUInt16LE(22)];
  const room = page.length - headOctets;
  if (lower % 2 !== 0 || lower > upper || upper > room) throw new BadPage(`page ${number} has wrong bounds`);
  const nodes: number[] = [];
  for (let at = 0; at < lower; at += 2) {
    const node = page.readUInt16LE(headOctets + at);
    const isInside = node >= upper && node + nodeOctets <= room;
    const start = node + headOctets;
    if (!isInside || start + nodeOctets + page.readUInt16LE(start + 6) > page.length) {
      throw new BadPage(`an entry leaves page ${number}`);
    }
    nodes.push(start);
  }
  return nodes;
}

function childOf(page: Buffer, node: number): bigint {
  const [lowest, low, high] = [
    page.readUInt16LE(node),
    page.readUInt16LE(node + 2),
    page.readUInt16LE(node + 4),
  ];
  return BigInt(lowest) + (BigInt(low) << 16n) + (BigInt(high) << 32n);
}

/** Takes what a list of free pages names: its length, then pages; before the first of several their number, negated. */
function takeFree(file: PageFile, list: Buffer): void {
  const length = list.length < 8 ? -1n : list.readBigInt64LE(0);
  if (length < 0n || (length + 1n) * 8n > BigInt(list.length))
    throw new BadPage('a list of free pages is too short');
  for (let at = 8; at <= Number(length) * 8; at += 8) {
    const entry = list.readBigInt64LE(at);
    if (entry > 0n) file.take(entry, 'free');
    if (entry >= 0n) continue;
    at += 8;
    if (at > Number(length) * 8 || -entry > BigInt(file.lastPage))
      throw new BadPage('a list of free pages is wrong');
    file.take(list.readBigInt64LE(at), 'free', Number(-entry));
  }
}

/**
 * What is wrong with the pages of the file at `path`; nothing where they are as LMDB leaves them.
 *
 * @param whole whether every page is looked at; else, where there are many, those of the free pages
 */
export function findInPages(path: string, whole: boolean): readonly string[] {
  const findings: string[] = [];
  const descriptor = openSync(path, 'r');
  const note = (look: () => void): void => {
    try {
      look();
    } catch (error) {
      if (!(error instanceof BadPage)) throw error;
      findings.push(error.message);
    }
  };
  try {
    note(() => {
      const file = new PageFile(descriptor);
      note(() => {
        for (const list of file.walkFree()) takeFree(file, list);
      });
      const missing = file.missing();
      if (missing !== undefined) {
        throw new BadPage(
          `the file has ${file.size} octets, and page ${missing} of ${file.lastPage} is missing`,
        );
      }
      if (whole || file.lastPage <= fewPages) file.walkAll();
    });
  } finally {
    closeSync(descriptor);
  }
  return findings;
}
