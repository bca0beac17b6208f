import { RequestRefused } from '../base/refusals.js';
import { buildXml, type XmlNode } from '../xml/build.js';
import { ns } from '../xml/names.js';

/** The conditions that RFC 4825 clause 11 answers with 409 and an `xcap-error` document: one class each. */

/** 409 with an `xcap-error` document (RFC 4825 clause 11). Each subclass writes its own element. */
export abstract class XcapConflict extends RequestRefused {
  readonly status = 409;
  protected abstract readonly elementName: string;

  /** The element below `xcap-error` that names the condition. */
  element(): XmlNode {
    return { name: this.elementName, attributes: { phrase: this.phrase } };
  }
}

/** Clause 11.2.1 (schema of xcap-error): the body is not well-formed XML. */
export class NotWellFormed extends XcapConflict {
  protected readonly elementName = 'not-well-formed';
}

/** The body is not one balanced element. */
export class NotXmlFrag extends XcapConflict {
  protected readonly elementName = 'not-xml-frag';
}

/** The body is not an attribute value. */
export class NotXmlAttValue extends XcapConflict {
  protected readonly elementName = 'not-xml-att-value';
}

/** The body is not UTF-8. */
export class NotUtf8 extends XcapConflict {
  protected readonly elementName = 'not-utf-8';
}

/** The document that the request would make is not valid against its schema. */
export class SchemaValidationError extends XcapConflict {
  protected readonly elementName = 'schema-validation-error';
}

/** A GET of the same URI after this PUT would not give what was PUT (clause 8.2.3). */
export class CannotInsert extends XcapConflict {
  protected readonly elementName = 'cannot-insert';
}

/** After this DELETE the same URI would select another node (clause 8.4). */
export class CannotDelete extends XcapConflict {
  protected readonly elementName = 'cannot-delete';
}

/** A constraint of the application usage other than uniqueness and schema does not hold. */
export class ConstraintFailure extends XcapConflict {
  protected readonly elementName = 'constraint-failure';
}

/** The parent of what is to be created does not exist; `ancestor` is the nearest that does. */
export class NoParent extends XcapConflict {
  protected readonly elementName = 'no-parent';
  readonly ancestor: string | undefined;

  constructor(phrase: string, ancestor?: string) {
    super(phrase);
    this.ancestor = ancestor;
  }

  override element(): XmlNode {
    const children = this.ancestor === undefined ? [] : [{ name: 'ancestor', children: [this.ancestor] }];
    return { name: this.elementName, attributes: { phrase: this.phrase }, children };
  }
}

/** A value that must be unique is taken: the field, and values that are free. */
export interface TakenValue {
  /** Node selector of the field, relative to the document. */
  readonly field: string;
  readonly alternatives: readonly string[];
}

/** The document holds values that must be unique and are taken (clause 8.2.5; TS 24.481 clause 6.3.2). */
export class UniquenessFailure extends XcapConflict {
  protected readonly elementName = 'uniqueness-failure';
  readonly taken: readonly TakenValue[];

  constructor(phrase: string, taken: readonly TakenValue[]) {
    super(phrase);
    this.taken = taken;
  }

  override element(): XmlNode {
    const children = this.taken.map(({ field, alternatives }) => ({
      name: 'exists',
      attributes: { field },
      children: alternatives.map((value) => ({ name: 'alt-value', children: [value] })),
    }));
    return { name: this.elementName, attributes: { phrase: this.phrase }, children };
  }
}

/** The text of an `application/xcap-error+xml` body. */
export function writeXcapError(error: XcapConflict): string {
  return buildXml({ name: 'xcap-error', namespace: ns.xcapError, children: [error.element()] });
}
