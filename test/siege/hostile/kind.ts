import type { Field } from './field.js';

/** Hostile clients of one kind. */
export interface Kind {
  /** As `--kinds` has it. */
  readonly name: string;
  /** What they do, in a few words. */
  readonly what: string;
  /** Puts what they need, before the siege. */
  readonly prepare?: (field: Field) => Promise<void>;
  /** Does it until the siege ends. */
  readonly run: (field: Field) => Promise<void>;
}
