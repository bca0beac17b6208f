import { existsSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  XmlDocument,
  XmlValidateError,
  XsdValidator,
  xmlCleanupInputProvider,
  xmlRegisterInputProvider,
} from 'libxml2-wasm';
import { ConfigurationError, describeError } from '../base/errors.js';
import { ContentModels, type ExpandedName } from './content-models.js';
import { systemCode, systemWords } from '../base/system-errors.js';
import { declaredNames } from './declared-names.js';
import {
  gatedSchema,
  inTermsOfTheStandard,
  mendedSchema,
  typeSetFor,
  typesFile,
  typesSchema,
  type TypeSet,
} from './mended-schema.js';
import { brief, parseGated, parseOptions } from './parse.js';
import { XmlRefused } from './refusal.js';
import type { LocatedElement } from './tree.js';
import { withShortNames } from './short-names.js';

/**
 * Compiled schemas. Each is compiled once, at start, from the files that `schemas/manifest.json`
 * names, and kept for the life of the process (design D1).
 *
 * Subtle: libxml2 loads a schema's imports through an input provider. This one serves files of the
 * schema folders alone and is taken away again as soon as the schemas are compiled, so that no
 * `xsi:schemaLocation`, XInclude or entity in a document can ever load anything.
 */

/** The kinds of documents that a schema exists for, as `schemas/manifest.json` names them. */
export type DocumentKind =
  | 'group'
  | 'gmop'
  | 'gktp'
  | 'xcap-directory'
  | 'rls-services'
  | 'resource-lists'
  | 'xcap-error'
  | 'xcap-caps'
  | 'xcap-diff'
  | 'policy'
  | 'policy-preview'
  | 'result';

/** A schema by its name: one that is shipped, or that of a declared application usage, by its AUID. */
export type SchemaName = DocumentKind | `declared:${string}`;

/** A schema file that the configuration names. */
export interface DeclaredSchema {
  readonly name: SchemaName;
  readonly file: string;
  /** The option that names it, for the message where it is missing or does not compile. */
  readonly option: string;
}

interface Manifest {
  readonly documents: readonly {
    readonly kind: string;
    readonly schema: string;
    /** Expanded name of the document element, `{namespace}local`. */
    readonly root: string;
  }[];
}

/**
 * A schema compiled with each set of types for those that the engine judges wrongly: with the exact set at start,
 * with the other one, which few documents need, for the first of them. All files have been read by then.
 */
class Compiled {
  readonly #compile: (types: TypeSet) => XsdValidator;
  readonly #sets = new Map<TypeSet, XsdValidator>();

  /** @throws ConfigurationError */
  constructor(compileWith: (types: TypeSet) => XsdValidator) {
    this.#compile = compileWith;
    this.with('exact');
  }

  with(types: TypeSet): XsdValidator {
    const known = this.#sets.get(types);
    if (known !== undefined) return known;
    const compiled = this.#compile(types);
    this.#sets.set(types, compiled);
    return compiled;
  }

  dispose(): void {
    for (const validator of this.#sets.values()) validator.dispose();
    this.#sets.clear();
  }
}

/** A compiled schema, and the one document element that it is meant for: XSD itself cannot say which. */
interface Validator {
  /** Undefined where every global element of the schema may be a document element. */
  readonly root: string | undefined;
  readonly xsd: Compiled;
  readonly models: ContentModels;
}

/** Reads a folder of schemas and validates documents against them. */
export class Schemas {
  readonly #validators: ReadonlyMap<string, Validator>;

  private constructor(validators: ReadonlyMap<string, Validator>) {
    this.#validators = validators;
  }

  /**
   * Compiles every document kind of the folder's manifest, and the schemas that the configuration names.
   * The latter may import files of their own folder and, by base name, shipped ones.
   *
   * @throws ConfigurationError where a schema is missing or does not compile
   */
  static open(folder: URL, declared: readonly DeclaredSchema[] = []): Schemas {
    const read = mendedFiles();
    const tree = treesOf(read);
    const validators = new Map(Schemas.#shipped(folder, read, tree));
    for (const { name, file, option } of declared) {
      const url = pathToFileURL(resolve(file));
      const folders = [new URL('./', url), folder];
      try {
        const xsd = compile(url, folders, read, file);
        validators.set(name, { root: undefined, xsd, models: modelsOf(url, folders, tree) });
      } catch (error) {
        throw new ConfigurationError(`${option}: ${describeError(error)}`, { cause: error });
      }
    }
    return new Schemas(validators);
  }

  static #shipped(folder: URL, read: ReadFile, tree: ReadTree): ReadonlyMap<string, Validator> {
    try {
      const manifest = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as Manifest;
      return new Map(
        manifest.documents.map(({ kind, schema, root }): [string, Validator] => {
          const url = new URL(schema, folder);
          const xsd = compile(url, [folder], read);
          return [kind, { root, xsd, models: modelsOf(url, [folder], tree) }];
        }),
      );
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`cannot read the schemas: ${describeError(error)}`, { cause: error });
    }
  }

  /**
   * Checks that `text`, which has passed the gate, is well-formed and, where a `kind` is given, valid.
   *
   * @throws XmlRefused `not-well-formed` or `schema-invalid`
   */
  validate(kind: SchemaName | undefined, text: string): void {
    const document = parseGated(text);
    try {
      if (kind === undefined) return;
      const types = typeSetFor(text);
      const short = withShortNames(text);
      if (short === text) this.#check(kind, document, types);
      else this.#checkText(kind, short, types);
    } finally {
      document.dispose();
    }
  }

  #checkText(kind: SchemaName, text: string, types: TypeSet): void {
    const document = parseGated(text);
    try {
      this.#check(kind, document, types);
    } finally {
      document.dispose();
    }
  }

  #check(kind: SchemaName, document: XmlDocument, types: TypeSet): void {
    const { root, xsd } = this.#validator(kind);
    const { name, namespaceUri } = document.root;
    if (root !== undefined && `{${namespaceUri}}${name}` !== root) {
      throw new XmlRefused('schema-invalid', `the document element must be ${root}`);
    }
    try {
      xsd.with(types).validate(document);
    } catch (error) {
      if (!(error instanceof XmlValidateError)) throw error;
      throw new XmlRefused('schema-invalid', explain(error));
    }
  }

  /** Gives the memory of the engine back, which nobody else does; the schemas are of no use afterwards. */
  close(): void {
    for (const { xsd } of this.#validators.values()) xsd.dispose();
  }

  /**
   * Tells where documents of this kind may have an element: the last place among the children of `parent`, n for
   * before the n-th, counted from 0. Undefined where there is none, or where the schema does not tell.
   */
  lastPlaceIn(
    kind: SchemaName | undefined,
  ): (parent: LocatedElement, name: ExpandedName) => number | undefined {
    if (kind === undefined) return () => undefined;
    const { models } = this.#validator(kind);
    return (parent, name) => models.lastPlace(parent, name);
  }

  /** Whether documents of this kind can be validated. */
  has(kind: string): boolean {
    return this.#validators.has(kind);
  }

  #validator(kind: SchemaName): Validator {
    const validator = this.#validators.get(kind);
    if (validator === undefined) throw new ConfigurationError(`there is no schema ${kind}`);
    return validator;
  }
}

function explain(error: XmlValidateError): string {
  const detail = error.details[0];
  if (detail === undefined) return 'the document is not valid';
  return brief(`line ${detail.line}: ${inTermsOfTheStandard(detail.message.trim())}`);
}

/** Reads a schema as the engine is given it. */
type ReadFile = (file: URL) => Uint8Array;

/** Reads each file once: schemas import each other. */
function mendedFiles(): ReadFile {
  const files = new Map<string, Uint8Array>();
  return (file) => {
    const bytes = files.get(file.href) ?? mendedSchema(readFileSync(file));
    files.set(file.href, bytes);
    return bytes;
  };
}

/** The tree of a schema as the engine is given it; undefined where it is not read as documents are. */
type ReadTree = (file: URL) => LocatedElement | undefined;

/** Makes each tree once. */
function treesOf(read: ReadFile): ReadTree {
  const trees = new Map<string, LocatedElement | undefined>();
  return (file) => {
    if (!trees.has(file.href)) trees.set(file.href, gatedSchema(read(file))?.tree);
    return trees.get(file.href);
  };
}

function modelsOf(file: URL, folders: readonly URL[], tree: ReadTree): ContentModels {
  return new ContentModels(basename(file.href), (location) => {
    const found = fileIn(folders, location);
    return found && tree(found);
  });
}

/** The file of that base name in the first of `folders` that has one. */
function fileIn(folders: readonly URL[], name: string): URL | undefined {
  const files = folders.map((folder) => new URL(basename(name), folder));
  return files.find((candidate) => existsSync(candidate));
}

/** Compiles a schema, which may import XSD files of `folders`. @throws ConfigurationError */
function compile(file: URL, folders: readonly URL[], read: ReadFile, shown = fileURLToPath(file)): Compiled {
  return new Compiled((types) =>
    withFiles(schemaFiles(folders, types, read), () => compileFile(file, read, shown)),
  );
}

/** @param shown the file as whoever named it wrote it */
function compileFile(file: URL, read: ReadFile, shown: string): XsdValidator {
  const url = file.href;
  try {
    const schema = XmlDocument.fromBuffer(read(file), { url, option: parseOptions });
    try {
      return XsdValidator.fromDoc(schema);
    } finally {
      schema.dispose();
    }
  } catch (error) {
    const isUnread = systemCode(error) !== undefined;
    const reason = isUnread ? `it cannot be read: ${systemWords(error)}` : brief(describeError(error)).trim();
    throw new ConfigurationError(`schema ${shown} does not compile: ${reason}`, { cause: error });
  }
}

type InputProvider = Parameters<typeof xmlRegisterInputProvider>[0];

/** Lets libxml2 read what `files` serves, and nothing else, while `work` runs. */
function withFiles<T>(files: InputProvider, work: () => T): T {
  if (!xmlRegisterInputProvider(files)) {
    throw new ConfigurationError('the XML engine takes no input provider');
  }
  try {
    return work();
  } finally {
    xmlCleanupInputProvider();
  }
}

/**
 * Serves the XSD files of the first folder to libxml2, by base name; a file that is not there, from the next; and
 * the set of types that all of them may use.
 */
function schemaFiles(folders: readonly URL[], types: TypeSet, readFile: ReadFile): InputProvider {
  const open = new Map<number, Uint8Array>();
  let next = 1;
  const isServed = (name: string): boolean =>
    name.endsWith('.xsd') && folders.some(({ href }) => name.startsWith(href));
  const read = (name: string): Uint8Array | undefined => {
    if (basename(name) === typesFile) return typesSchema(types);
    const file = fileIn(folders, name);
    return file && readFile(file);
  };
  return {
    match: isServed,
    open(name) {
      const bytes = isServed(name) ? read(name) : undefined;
      if (bytes === undefined) return undefined;
      open.set(next, bytes);
      return next++;
    },
    read(handle, buffer) {
      const rest = open.get(handle);
      if (rest === undefined) return -1;
      const length = Math.min(rest.length, buffer.byteLength);
      buffer.set(rest.subarray(0, length));
      open.set(handle, rest.subarray(length));
      return length;
    },
    close: (handle) => open.delete(handle),
  };
}

/** The names that a file of a schema folder declares. @throws ConfigurationError where it cannot be read */
export function namesDeclaredIn(folder: URL, file: string): ReadonlySet<string> {
  try {
    return declaredNames(readFileSync(new URL(file, folder)));
  } catch (error) {
    throw new ConfigurationError(`cannot read the schema ${file}: ${describeError(error)}`, { cause: error });
  }
}
