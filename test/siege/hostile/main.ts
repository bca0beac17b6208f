import { setTimeout as pause } from 'node:timers/promises';
import { attend } from '../party.js';
import { Field, type Tally } from './field.js';
import { kindNamed } from './kinds.js';
import type { Kind } from './kind.js';

/** The process of the hostile clients of one kind. */

export interface HostileSetup {
  readonly kind: string;
  readonly port: number;
}

const ended = new AbortController();
let place: { readonly kind: Kind; readonly port: number } | undefined;
let field: Field | undefined;
let work: Promise<unknown> = Promise.resolve();
let failure: unknown;

attend({
  prepare: async (argument) => {
    const { kind, port } = argument as HostileSetup;
    place = { kind: kindNamed(kind), port };
    const before = new AbortController();
    await place.kind.prepare?.(new Field(port, before.signal));
    before.abort();
  },
  begin: () => {
    if (place === undefined) throw new Error('nothing is prepared');
    field = new Field(place.port, ended.signal);
    work = place.kind.run(field).catch((error: unknown) => (failure = error));
    return Promise.resolve();
  },
  end: async (): Promise<Tally | undefined> => {
    ended.abort();
    await Promise.race([work, pause(2000)]);
    if (failure !== undefined) throw failure as Error;
    return field?.tally;
  },
});
