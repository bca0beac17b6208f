import { GmsError } from '../base/errors.js';

/**
 * Why a text was refused: `not-utf-8` and `not-well-formed` in the sense of RFC 4825 clause 8.2.5,
 * `forbidden` for what the gate never lets through (a document type declaration, a limit exceeded),
 * `schema-invalid` for what does not meet its XSD.
 */
export type RefusalCondition = 'not-utf-8' | 'not-well-formed' | 'forbidden' | 'schema-invalid';

/** XML text that this server does not take. The message may be shown to the sender. */
export class XmlRefused extends GmsError {
  readonly condition: RefusalCondition;

  constructor(condition: RefusalCondition, message: string) {
    super(message);
    this.condition = condition;
  }
}
