import { connectionKinds } from './connections.js';
import type { Kind } from './kind.js';
import { peerKinds } from './peers.js';
import { requestKinds } from './requests.js';

/** Hostile clients of every kind. A new kind is one entry in one of the tables. */
export const kinds: readonly Kind[] = [...requestKinds, ...connectionKinds, ...peerKinds];

/** @throws Error where there is none of the name */
export function kindNamed(name: string): Kind {
  const kind = kinds.find((candidate) => candidate.name === name);
  if (kind !== undefined) return kind;
  throw new Error(`no kind is named ${name}; there are ${kinds.map((other) => other.name).join(', ')}`);
}
