import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * The format of the case files in `fixtures/conformance/cases`; its README explains it to authors. Every
 * object is strict, so that a misspelt key is a fault of the file and not a check that never runs.
 */

const text = z.string();
const filled = z.string().min(1);

/** A body: text, or a file of `fixtures/conformance/documents`, or octets in hexadecimal digits. */
const contentParts = z
  .strictObject({
    text: text.optional(),
    file: filled.optional(),
    hex: z
      .string()
      .regex(/^([0-9a-f]{2})*$/)
      .optional(),
    /** Each text is found in the body, and all its occurrences are replaced. */
    replace: z.array(z.tuple([filled, text])).optional(),
    /** A comment at the end makes the body as large as the server takes, or one octet larger. */
    pad: z.enum(['limit', 'beyond']).optional(),
    /** How the text is coded, UTF-8 where left out. */
    coding: z.enum(['utf-8', 'utf-16le', 'latin-1']).optional(),
  })
  .refine(
    (parts) => [parts.text, parts.file, parts.hex].filter((part) => part !== undefined).length === 1,
    'a body has one of text, file and hex',
  );
const content = z.union([text, contentParts]);

const roles = ['administrator', 'member', 'stranger', 'server', 'nobody'] as const;

/** What a header field of the answer is expected to be. */
const headerRule = z.union([
  text,
  z.strictObject({ present: z.boolean() }),
  z.strictObject({ pattern: filled }),
  z.strictObject({ lists: z.array(filled).min(1) }),
  z.strictObject({ same: filled }),
  z.strictObject({ different: z.array(filled).min(1) }),
]);

const bodyRule = z.union([
  content,
  z.strictObject({ empty: z.literal(true) }),
  z.strictObject({ sent: filled }),
  z.strictObject({ same: filled }),
  z.strictObject({ root: filled }),
  z.strictObject({ includes: z.array(filled), excludes: z.array(filled).optional() }),
  z.strictObject({ pattern: filled }),
  z.strictObject({ element: filled, bindings: z.record(text, filled) }),
]);

const conditions = [
  'not-well-formed',
  'not-xml-frag',
  'no-parent',
  'schema-validation-error',
  'not-xml-att-value',
  'cannot-insert',
  'cannot-delete',
  'uniqueness-failure',
  'constraint-failure',
  'extension',
  'not-utf-8',
] as const;
const condition = z.enum(conditions);

const errorRule = z.union([
  condition,
  z.strictObject({
    condition: z.union([condition, z.array(condition).min(2)]),
    /** Where the answer names an ancestor, it is this resource. */
    ancestor: filled.optional(),
    /** One `exists` element is for this field, and offers at least so many other values. */
    exists: z.strictObject({ field: filled.optional(), alternatives: z.int().min(0).optional() }).optional(),
  }),
]);

const status = z.int().min(100).max(599);

/** What a GET by an administrator gives afterwards. */
const stateRule = z.strictObject({
  /** The document of the request where left out. */
  path: filled.optional(),
  /** `null` where nothing is there any more. */
  is: z.union([content, z.null(), z.strictObject({ same: filled })]),
});

const expectation = z.strictObject({
  status: z.union([status, z.array(status).min(2)]),
  headers: z.record(filled, headerRule).optional(),
  /** The media type of the answer. */
  type: filled.optional(),
  body: bodyRule.optional(),
  error: errorRule.optional(),
  state: z.array(stateRule).optional(),
});

const request = z
  .strictObject({
    /** A name under which later requests refer to the answer. */
    save: filled.optional(),
    method: z.string().regex(/^[A-Z]+$/),
    path: text,
    role: z.enum(roles).optional(),
    headers: z.record(filled, z.union([text, z.array(text)])).optional(),
    /** The media type of the body. */
    type: filled.optional(),
    body: content.optional(),
    /** Sent so many times at the same time, `{i}` counting from 1. */
    parallel: z.int().min(2).max(64).optional(),
    /** How many of the parallel requests get which status, such as `200|204`. */
    counts: z.record(z.string().regex(/^[1-5]\d\d(\|[1-5]\d\d)*$/), z.int().min(1)).optional(),
    expect: expectation.optional(),
  })
  .refine((each) => (each.parallel === undefined) === (each.counts === undefined), {
    message: 'parallel and counts go together',
  })
  .refine((each) => (each.expect === undefined) === (each.counts !== undefined), {
    message: 'a request has expect, or parallel and counts',
  });

const document = z.strictObject({ path: filled, type: filled, body: content });

const conformanceCase = z.strictObject({
  id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  /** Standard and clause. */
  clause: z.string().regex(/^(RFC \d{4}|TS \d\d\.\d{3}|OMA XDM) [A-Z]?[0-9.]*[0-9]$/),
  title: filled,
  /** Application usages beyond those that the file needs. */
  needs: z.array(filled).optional(),
  /** Documents that are PUT first: names of the file's documents, or documents. */
  setUp: z.array(z.union([filled, document])).optional(),
  requests: z.array(request).min(1),
  /** Further documents to remove afterwards. */
  cleanUp: z.array(filled).optional(),
  /** Whether the bodies are schema verdicts for other engines; `false` where a schema does not decide. */
  verdicts: z.boolean().optional(),
});

const caseFile = z.strictObject({
  topic: filled,
  /** AUIDs of the application usages that the cases need. */
  needs: z.array(filled),
  documents: z.record(filled, document).optional(),
  cases: z.array(conformanceCase).min(1),
});

export type Content = z.infer<typeof content>;
export type Role = (typeof roles)[number];
export type HeaderRule = z.infer<typeof headerRule>;
export type BodyRule = z.infer<typeof bodyRule>;
export type ErrorRule = z.infer<typeof errorRule>;
export type StateRule = z.infer<typeof stateRule>;
export type Expectation = z.infer<typeof expectation>;
export type CaseRequest = z.infer<typeof request>;
export type SetUpDocument = z.infer<typeof document>;

/** A case with what its file says for all of its cases. */
export interface ConformanceCase extends Omit<z.infer<typeof conformanceCase>, 'setUp' | 'needs'> {
  readonly topic: string;
  readonly needs: readonly string[];
  readonly setUp: readonly SetUpDocument[];
}

export { roles };

/** The case files cannot be used; the message names file and place. */
export class BadCases extends Error {}

/** The cases of one file. @throws BadCases */
export function parseCases(name: string, json: string): readonly ConformanceCase[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new BadCases(`${name}: ${error instanceof Error ? error.message : 'no JSON'}`);
  }
  const read = caseFile.safeParse(value);
  if (!read.success) throw new BadCases(`${name}:\n${z.prettifyError(read.error)}`);
  const { topic, needs, documents = {}, cases } = read.data;
  return cases.map((each) => ({
    ...each,
    topic,
    needs: [...needs, ...(each.needs ?? [])],
    setUp: (each.setUp ?? []).map((named) => {
      const found = typeof named === 'string' ? documents[named] : named;
      if (found === undefined) throw new BadCases(`${name}: ${each.id} sets up an unknown document`);
      return found;
    }),
  }));
}

/** The suite: every case of every file, and the documents that they use. */
export interface Suite {
  readonly cases: readonly ConformanceCase[];
  /** @throws BadCases where there is no such file */
  readonly file: (name: string) => Buffer;
}

/** Reads `cases/*.json` of a folder. @throws BadCases */
export function readSuite(folder: URL): Suite {
  const casesFolder = new URL('cases/', folder);
  const files = readdirSync(casesFolder).filter((name) => name.endsWith('.json'));
  const cases = files.sort().flatMap((name) => {
    return parseCases(name, readFileSync(new URL(name, casesFolder), 'utf8'));
  });
  const seen = new Set<string>();
  for (const { id } of cases) {
    if (seen.has(id)) throw new BadCases(`two cases are called ${id}`);
    seen.add(id);
  }
  const known = new Map<string, Buffer>();
  return {
    cases,
    file(name) {
      let bytes = known.get(name);
      if (bytes === undefined) {
        try {
          bytes = readFileSync(new URL(`documents/${name}`, folder));
        } catch {
          throw new BadCases(`documents/${name} cannot be read`);
        }
        known.set(name, bytes);
      }
      return bytes;
    },
  };
}
