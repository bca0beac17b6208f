/** What stands in the way and answers in the place of a group management server. */

export interface Page {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const html = { 'Content-Type': 'text/html' };

function inHtml(status: number, headers: Readonly<Record<string, string>> = {}): Page {
  return { status, headers: { ...html, ...headers }, body: `<html><body>${status}</body></html>` };
}

/** Ingresses without a route, login pages, catch-all sites, gateways that do not know the method. */
export const pages: readonly Page[] = [
  inHtml(404),
  inHtml(410),
  inHtml(403),
  inHtml(401, { 'WWW-Authenticate': 'Basic' }),
  inHtml(200),
  inHtml(200, { ETag: '"5f3-62a"' }),
  inHtml(201),
  inHtml(302, { Location: 'https://login.invalid/' }),
  inHtml(307, { Location: 'https://elsewhere.invalid/' }),
  inHtml(405, { Allow: 'GET, HEAD' }),
  inHtml(411),
  inHtml(413),
  inHtml(421),
  inHtml(409),
  inHtml(412),
  { status: 200 },
  { status: 204 },
  { status: 304 },
  { status: 404, headers: { 'Content-Type': 'text/plain' }, body: 'default backend - 404' },
  { status: 403, headers: { 'Content-Type': 'application/json' }, body: '{"error":"forbidden"}' },
];
