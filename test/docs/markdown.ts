import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ParserOptions } from 'prettier';
import { parsers } from 'prettier/plugins/markdown';

/** The Markdown files of the repository, read by the parser that also formats them. */

export const repository = fileURLToPath(new URL('../../../', import.meta.url));

/** A fenced code block. */
export interface Block {
  /** The file and the line of its fence, for messages. */
  readonly place: string;
  /** The first word behind the fence. */
  readonly language: string;
  /** The words that follow. */
  readonly info: string;
  readonly text: string;
}

/** A link or an image whose address is inside the repository. */
export interface Link {
  readonly place: string;
  /** The path from the root of the repository; undefined where the link leads out of it. */
  readonly path: string | undefined;
  /** The part behind `#`. */
  readonly anchor: string | undefined;
}

/** One Markdown file. */
export interface MarkdownFile {
  /** From the root of the repository. */
  readonly path: string;
  /** Fenced blocks and comments (`<!-- … -->`), in the order of the text. */
  readonly parts: readonly (Block | { readonly comment: string })[];
  readonly links: readonly Link[];
  /** What `#` of a link may name: the headings, as GitHub spells them. */
  readonly anchors: ReadonlySet<string>;
}

/** The part of mdast that is looked at. */
interface Node {
  readonly type: string;
  readonly value?: string;
  readonly url?: string;
  readonly lang?: string | null;
  readonly meta?: string | null;
  readonly children?: readonly Node[];
  readonly position?: { readonly start: { readonly line: number; readonly offset: number } };
}

const notOurs = new Set(['node_modules', 'dist', 'data', 'coverage', '.git']);

/** The paths of all Markdown files below a folder, from the root of the repository. */
export function markdownPaths(folder = ''): readonly string[] {
  return readdirSync(join(repository, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return notOurs.has(entry.name) ? [] : markdownPaths(path);
      return entry.isFile() && entry.name.endsWith('.md') ? [path] : [];
    })
    .sort();
}

/** Whether a path from the root of the repository leads to a file or folder. */
export function isThere(path: string): boolean {
  return statSync(join(repository, path), { throwIfNoEntry: false }) !== undefined;
}

function textOf(node: Node): string {
  return node.value ?? (node.children ?? []).map(textOf).join('');
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** A link from a file at `from`, or undefined where it leads to another site. */
function linkTo(url: string, from: string, place: string): Link | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) return undefined;
  const [target = '', anchor] = url.split('#');
  const absolute =
    target === '' ? join(repository, from) : resolve(repository, dirname(from), decodeURI(target));
  const path = relative(repository, absolute).split(sep).join('/');
  return { place, path: path.startsWith('..') ? undefined : path, anchor };
}

/** Reads Markdown text. @param path stands in messages, and links start there */
export async function parseMarkdown(text: string, path: string): Promise<MarkdownFile> {
  const root = (await parsers.markdown.parse(text, {} as ParserOptions)) as Node;
  const parts: (Block | { readonly comment: string })[] = [];
  const links: Link[] = [];
  const anchors = new Set<string>();
  const visit = (node: Node): void => {
    const place = `${path}:${node.position?.start.line ?? 0}`;
    const fenced = /^(?:```|~~~)/.test(text.slice(node.position?.start.offset));
    if (node.type === 'code' && fenced) {
      const { lang, meta, value } = node;
      parts.push({ place, language: lang ?? '', info: meta ?? '', text: value ?? '' });
    }
    const comment = node.type === 'html' ? /^<!--(.*)-->$/s.exec(node.value ?? '')?.[1] : undefined;
    if (comment !== undefined) parts.push({ comment: comment.trim() });
    if (node.type === 'heading') {
      const wanted = slug(textOf(node));
      let anchor = wanted;
      for (let number = 1; anchors.has(anchor); number += 1) anchor = `${wanted}-${number}`;
      anchors.add(anchor);
    }
    const link = node.url === undefined ? undefined : linkTo(node.url, path, place);
    if (link !== undefined) links.push(link);
    for (const child of node.children ?? []) visit(child);
  };
  visit(root);
  return { path, parts, links, anchors };
}

/** Reads a Markdown file of the repository. */
export async function readMarkdown(path: string): Promise<MarkdownFile> {
  return await parseMarkdown(readFileSync(join(repository, path), 'utf8'), path);
}
