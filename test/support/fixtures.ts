import { readFileSync } from 'node:fs';

const folder = new URL('../../../fixtures/', import.meta.url);

/** The bytes of a fixture, by its path below `fixtures/`. */
export function fixtureBytes(path: string): Buffer {
  return readFileSync(new URL(path, folder));
}

/** The text of a fixture. */
export function fixture(path: string): string {
  return fixtureBytes(path).toString('utf8');
}

/** A fixture that is JSON, such as a manifest. */
export function jsonFixture(path: string): unknown {
  return JSON.parse(fixture(path));
}
