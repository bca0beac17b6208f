/** How many free values a refusal offers. */
const offered = 3;

/** How many values are tried to find them. */
const tried = 1000;

/** Values near a taken one: the same with a number, as `freeValuesNear` tells. */
export function* valuesNear(taken: string, kind: 'text' | 'uri'): Iterable<string> {
  const at = kind === 'uri' ? taken.indexOf('@') : taken.length;
  if (kind === 'uri' && (at < 0 || !/^sips?:/i.test(taken))) return;
  for (let number = 2; number < tried; number += 1) {
    yield `${taken.slice(0, at)}-${number}${taken.slice(at)}`;
  }
}

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
  const free: string[] = [];
  for (const candidate of valuesNear(taken, kind)) {
    if (isFree(candidate)) free.push(candidate);
    if (free.length === offered) break;
  }
  return free;
}

/** As `freeValuesNear`, where it takes a while to know what is free. */
export async function findFreeValuesNear(
  taken: string,
  kind: 'text' | 'uri',
  isFree: (value: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const free: string[] = [];
  for (const candidate of valuesNear(taken, kind)) {
    if (await isFree(candidate)) free.push(candidate);
    if (free.length === offered) break;
  }
  return free;
}
