/** How many free values a refusal offers. */
const offered = 3;

/** How many values are tried to find them. */
const tried = 1000;

/**
 * Values near a taken one that are free (RFC 4825 clause 11.1: `alt-value`): the same with a number, a
 * SIP URI with the number in its user part. No other URI is offered: its neighbour may belong to somebody
 * else, as with `tel:` URIs.
 */
export function freeValuesNear(
  taken: string,
  kind: 'text' | 'uri',
  isFree: (value: string) => boolean,
): readonly string[] {
  const at = kind === 'uri' ? taken.indexOf('@') : taken.length;
  if (kind === 'uri' && (at < 0 || !/^sips?:/i.test(taken))) return [];
  const free: string[] = [];
  for (let number = 2; free.length < offered && number < tried; number += 1) {
    const candidate = `${taken.slice(0, at)}-${number}${taken.slice(at)}`;
    if (isFree(candidate)) free.push(candidate);
  }
  return free;
}
