import type { Principal } from '../auth/principal.js';
import { Forbidden } from '../base/refusals.js';
import type { DocumentSelector } from '../xcap/request-uri.js';

/**
 * Who may read and write the documents of a declared application usage, by role (RFC 4825 clause 5.7).
 *
 * | role | who |
 * |---|---|
 * | `owner` | the user whose identity is the XUI; nobody in the global tree |
 * | `users` | every user of our own MC system, administrators among them |
 * | `administrators`, `mc-service-servers` | those that the configuration lists |
 * | `anyone` | also requests without an identity |
 */
export const roles = ['owner', 'users', 'administrators', 'mc-service-servers', 'anyone'] as const;
export type Role = (typeof roles)[number];

export interface RoleLists {
  /** In users trees. */
  readonly read: readonly Role[];
  readonly write: readonly Role[];
  readonly readGlobal: readonly Role[];
  readonly writeGlobal: readonly Role[];
}

function hasRole(role: Role, principal: Principal, xui: string | undefined): boolean {
  switch (role) {
    case 'owner':
      return principal.kind !== 'nobody' && principal.identity === xui;
    case 'users':
      return principal.kind === 'user' || principal.kind === 'administrator';
    case 'administrators':
      return principal.kind === 'administrator';
    case 'mc-service-servers':
      return principal.kind === 'mc-service-server';
    case 'anyone':
      return true;
  }
}

/** Access to the documents of a usage by the roles that it lists. */
export class RoleAccess {
  readonly #lists: RoleLists;

  constructor(lists: RoleLists) {
    this.#lists = lists;
  }

  /** @throws Forbidden where the principal may not read what stands there */
  checkRead(principal: Principal, { tree, xui }: DocumentSelector): void {
    const { read, readGlobal } = this.#lists;
    const listed = tree === 'global' ? readGlobal : read;
    if (listed.some((role) => hasRole(role, principal, xui))) return;
    throw new Forbidden('you may not read the documents of this application usage here');
  }

  /** A principal that may read at a place may read every document there. */
  checkReadDocument(): void {
    // Nothing depends on what a document says.
  }

  /** @throws Forbidden where the principal may not write there */
  checkWrite(principal: Principal, { tree, xui }: DocumentSelector): void {
    const { write, writeGlobal } = this.#lists;
    const listed = tree === 'global' ? writeGlobal : write;
    if (listed.some((role) => hasRole(role, principal, xui))) return;
    throw new Forbidden('you may not write the documents of this application usage here');
  }
}
