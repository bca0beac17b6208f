import { Schemas } from '../../src/xml/schemas.js';

let opened: Schemas | undefined;

/** The schemas of the repository, compiled once for all tests of this process. */
export function schemas(): Schemas {
  return (opened ??= Schemas.open(new URL('../../../schemas/', import.meta.url)));
}
