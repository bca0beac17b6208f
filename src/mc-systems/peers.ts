import type { GroupId, SystemName } from '../base/identifiers.js';

/** An interconnected MC system as configured, with what each side may do towards the other. */
export interface Peer {
  readonly name: SystemName;
  /** Its XCAP root URL, or its proxy's (TS 23.280 clause 10.2.7.2 NOTE 1), without a slash at the end. */
  readonly root: string;
  /** We provide it with group information (10.2.7.2: the primary is authorised to provide). */
  readonly provide: boolean;
  /** We accept what it provides. */
  readonly accept: boolean;
  /** We request group information from it (10.2.7.3: the partner is authorised to request). */
  readonly request: boolean;
  /** We answer its requests. */
  readonly answer: boolean;
  /** Our Result says what our policy changed. */
  readonly reportModifications: boolean;
  /** Groups that the configuration shares with it, independent of their members (design D6). */
  readonly groups: ReadonlySet<GroupId>;
}

export type Peers = ReadonlyMap<SystemName, Peer>;
