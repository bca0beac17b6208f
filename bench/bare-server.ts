import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultConfig } from '../src/gms/config.js';
import { gateBytes } from '../src/xml/gate.js';
import { Schemas } from '../src/xml/schemas.js';
import { BareEngine } from './bare-engine.js';

/**
 * The limit that the server is compared with, a process of its own: `node:http` and nothing else. A GET
 * is answered out of a map with the headers and bytes that the server itself sends, or 304 where the
 * request has conditions. A PUT is validated with the server's schemas and written durably.
 */

/** What a GET of `path` is answered with. */
export interface BareResource {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly notModifiedHeaders: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The answer to a PUT, but for the entity tag. */
export type BarePutHeaders = Readonly<Record<string, string>>;

export interface BareSetup {
  readonly folder: string;
  readonly resources: readonly BareResource[];
  readonly putHeaders: BarePutHeaders;
}

function start(setup: BareSetup): void {
  const schemas = Schemas.open(new URL('../../schemas/', import.meta.url));
  const files = new BareEngine(setup.folder);
  const resources = new Map(setup.resources.map((resource) => [resource.path, resource]));
  const { xml: limits } = defaultConfig();

  const put = async (url: string, body: Buffer): Promise<string> => {
    schemas.validate('group', gateBytes(body, limits).text);
    await files.replace(createHash('sha256').update(url).digest('hex'), body);
    return randomBytes(16).toString('base64url');
  };

  const server = http.createServer((request, response) => {
    const { url = '' } = request;
    if (request.method === 'PUT') {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        put(url, Buffer.concat(chunks)).then(
          (tag) => response.writeHead(200, { ...setup.putHeaders, ETag: `"${tag}"` }).end(),
          (error: unknown) => {
            console.error(error);
            response.writeHead(500).end();
          },
        );
      });
      return;
    }
    const resource = resources.get(url);
    if (resource === undefined) response.writeHead(404).end();
    else if (request.headers['if-none-match'] !== undefined) {
      response.writeHead(304, resource.notModifiedHeaders).end();
    } else response.writeHead(200, resource.headers).end(resource.body);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

process.once('message', (setup: BareSetup) => {
  start(setup);
});
process.once('disconnect', () => {
  process.exit();
});
