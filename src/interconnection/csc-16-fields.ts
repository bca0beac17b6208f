/**
 * Header fields of our own between the group management servers of two MC systems (docs/interconnection.md).
 * A peer that does not know them loses nothing but what they are for.
 */

/**
 * The incarnation of the sender's store (design D17): a token that is new where the store was created, wiped or
 * restored. In every request to a peer and in every answer to one.
 */
export const incarnationField = 'MCGMS-Incarnation';

/**
 * In a request that provides a group of which the partner holds nothing: the tag of the withdrawal that
 * the primary knows to be the last one, or `none`. In an answer: the tag of the withdrawal that the
 * partner remembers. So a provision from before a withdrawal cannot bring the group back (design D20).
 */
export const withdrawalField = 'MCGMS-Withdrawal';

/**
 * In an answer: its entity tag once more. Proxies weaken or remove the ETag field (one that compresses
 * must), and leave alone a field that they do not know.
 */
export const tagField = 'MCGMS-Tag';

/** The value of the withdrawal field where no withdrawal is known. */
export const noWithdrawal = 'none';

/** The token of an incarnation field, or undefined for nonsense. */
export function readIncarnation(value: string | undefined): string | undefined {
  return value !== undefined && /^[\w-]{16,64}$/.test(value) ? value : undefined;
}

/** The value of a header field of ours; the first where there are several. */
export function fieldOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  name: typeof incarnationField | typeof withdrawalField | typeof tagField,
): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === 'string' ? value : value?.[0];
}
