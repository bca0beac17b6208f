import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import {
  ParseOption,
  XmlDocument,
  XmlLibError,
  XmlValidateError,
  XsdValidator,
  xmlCleanupInputProvider,
  xmlRegisterInputProvider,
} from 'libxml2-wasm';
import { ConfigurationError, describeError } from '../base/errors.js';
import { XmlRefused } from './refusal.js';

/**
 * Compiled schemas. Each is compiled once, at start, from the files that `schemas/manifest.json`
 * names, and kept for the life of the process (design D1).
 *
 * Subtle: libxml2 loads a schema's imports through an input provider. Ours serves files of the
 * schema folder alone and is taken away again as soon as the schemas are compiled, so that no
 * `xsi:schemaLocation`, XInclude or entity in a document can ever load anything.
 */

/** The kinds of documents that a schema exists for, as `schemas/manifest.json` names them. */
export type DocumentKind =
  'group' | 'resource-lists' | 'xcap-error' | 'xcap-caps' | 'xcap-diff' | 'policy' | 'result';

interface Manifest {
  readonly documents: readonly {
    readonly kind: string;
    readonly schema: string;
    /** Expanded name of the document element, `{namespace}local`. */
    readonly root: string;
  }[];
}

/** A compiled schema, and the one document element that it is meant for: XSD itself cannot say which. */
interface Validator {
  readonly root: string;
  readonly xsd: XsdValidator;
}

const parseOptions = (ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE) as ParseOption;

/** What the engine says repeats names and values of the document, however long they are. */
function brief(message: string): string {
  return message.slice(0, 500);
}

/** Parses text that has passed the gate. The caller disposes of the result. @throws XmlRefused */
export function parseGated(text: string): XmlDocument {
  try {
    // Not fromString, whose own way to UTF-8 costs a third of the parsing.
    return XmlDocument.fromBuffer(Buffer.from(text, 'utf8'), { option: parseOptions });
  } catch (error) {
    if (!(error instanceof XmlLibError)) throw error;
    const detail = error.details[0];
    const place = detail === undefined ? '' : `line ${detail.line}: `;
    throw new XmlRefused('not-well-formed', brief(`${place}${(detail?.message ?? error.message).trim()}`));
  }
}

/** Reads a folder of schemas and validates documents against them. */
export class Schemas {
  readonly #validators: ReadonlyMap<string, Validator>;

  private constructor(validators: ReadonlyMap<string, Validator>) {
    this.#validators = validators;
  }

  /**
   * Compiles every document kind of the folder's manifest.
   *
   * @throws ConfigurationError where a schema is missing or does not compile
   */
  static open(folder: URL): Schemas {
    const registered = xmlRegisterInputProvider(schemaFiles(folder));
    if (!registered) throw new ConfigurationError('the XML engine takes no input provider');
    try {
      const manifest = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as Manifest;
      const validators = new Map<string, Validator>();
      for (const { kind, schema, root } of manifest.documents) {
        validators.set(kind, { root, xsd: compile(folder, schema) });
      }
      return new Schemas(validators);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      throw new ConfigurationError(`cannot read the schemas: ${describeError(error)}`, { cause: error });
    } finally {
      xmlCleanupInputProvider();
    }
  }

  /**
   * Checks that `text`, which has passed the gate, is well-formed and, where a `kind` is given, valid.
   *
   * @throws XmlRefused `not-well-formed` or `schema-invalid`
   */
  validate(kind: DocumentKind | undefined, text: string): void {
    const document = parseGated(text);
    try {
      if (kind === undefined) return;
      const { root, xsd } = this.#validator(kind);
      const { name, namespaceUri } = document.root;
      if (`{${namespaceUri}}${name}` !== root) {
        throw new XmlRefused('schema-invalid', `the document element must be ${root}`);
      }
      xsd.validate(document);
    } catch (error) {
      if (!(error instanceof XmlValidateError)) throw error;
      throw new XmlRefused('schema-invalid', explain(error));
    } finally {
      document.dispose();
    }
  }

  /** Whether documents of this kind can be validated. */
  has(kind: string): boolean {
    return this.#validators.has(kind);
  }

  #validator(kind: DocumentKind): Validator {
    const validator = this.#validators.get(kind);
    if (validator === undefined) throw new ConfigurationError(`schemas/manifest.json names no ${kind}`);
    return validator;
  }
}

function explain(error: XmlValidateError): string {
  const detail = error.details[0];
  if (detail === undefined) return 'the document is not valid';
  return brief(`line ${detail.line}: ${detail.message.trim()}`);
}

function compile(folder: URL, file: string): XsdValidator {
  const url = new URL(file, folder).href;
  try {
    const schema = XmlDocument.fromBuffer(readFileSync(new URL(url)), { url, option: parseOptions });
    try {
      return XsdValidator.fromDoc(schema);
    } finally {
      schema.dispose();
    }
  } catch (error) {
    throw new ConfigurationError(`schema ${file} does not compile: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Serves the XSD files of one folder to libxml2, by base name, and nothing else. */
function schemaFiles(folder: URL): Parameters<typeof xmlRegisterInputProvider>[0] {
  const open = new Map<number, Uint8Array>();
  let next = 1;
  const isOurs = (name: string): boolean => name.startsWith(folder.href) && name.endsWith('.xsd');
  return {
    match: isOurs,
    open(name) {
      if (!isOurs(name)) return undefined;
      open.set(next, readFileSync(new URL(basename(name), folder)));
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
