import { Schemas } from '../../src/xml/schemas.js';

let opened: Schemas | undefined;

/** The schemas of the server, compiled once. */
export function schemas(): Schemas {
  return (opened ??= Schemas.open(new URL('../../../schemas/', import.meta.url)));
}
