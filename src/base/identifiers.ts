/**
 * Branded identifier types. A brand keeps an MC service group ID from being passed where a user's
 * MC service ID is wanted; only the functions that check or canonicalise a value hand out a brand.
 */

declare const brand: unique symbol;

/** `T` with a compile-time name; no trace of it at run time. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** MC service group ID in canonical form, a SIP or tel URI (TS 23.280 clause 8.1.3). */
export type GroupId = Branded<string, 'GroupId'>;

/** MC service ID of a user (MCPTT ID, MCVideo ID or MCData ID) in canonical form. */
export type McServiceId = Branded<string, 'McServiceId'>;

/** The configured name of an MC system: this one or a peer. */
export type SystemName = Branded<string, 'SystemName'>;

/** Application unique ID of an XCAP application usage (RFC 4825 clause 5.1). */
export type Auid = Branded<string, 'Auid'>;

/** XCAP user identifier (RFC 4825 clause 6.2), decoded and canonical. */
export type Xui = Branded<string, 'Xui'>;

/** The opaque text of a strong entity tag, without its quotes (RFC 9110 clause 8.8.3). */
export type ETag = Branded<string, 'ETag'>;

/** A value that no two documents may hold, spelled as no request URI can spell a document's name. */
export type Claim = Branded<string, 'Claim'>;

/** A canonical document selector: one key for every percent-encoding of the same resource. */
export type DocumentName = Branded<string, 'DocumentName'>;
