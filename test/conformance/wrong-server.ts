import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a small XCAP server does wrong; `nothing` makes it right as far as it goes. */
export type Fault =
  | 'nothing'
  | 'answers 500'
  | 'is silent'
  | 'loses the tag'
  | 'reuses tags'
  | 'merges'
  | 'rewrites'
  | 'ignores conditions'
  | 'stores what it refuses'
  | 'explains in JSON'
  | 'forgets Allow'
  | 'never deletes';

interface Stored {
  readonly body: string;
  readonly etag: string;
}

const type = 'application/vnd.oma.poc.groups+xml';

const error = (condition: string): string =>
  `<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error"><${condition}/></xcap-error>`;

/** A server of whole documents and nothing more, to try the judge on. */
export class WrongServer {
  readonly root: string;
  readonly #server: http.Server;
  readonly #documents: ReadonlyMap<string, Stored>;

  private constructor(server: http.Server, documents: ReadonlyMap<string, Stored>) {
    this.#server = server;
    this.#documents = documents;
    this.root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/root`;
  }

  static async start(fault: Fault): Promise<WrongServer> {
    const documents = new Map<string, Stored>();
    let revision = 0;
    const answer = (request: http.IncomingMessage, response: http.ServerResponse, body: string): void => {
      const { method = '', url = '', headers } = request;
      const stored = documents.get(url);
      const send = (status: number, fields: Record<string, string> = {}, text = ''): void => {
        if (fault === 'loses the tag') delete fields['ETag'];
        response.writeHead(status, fields).end(text);
      };
      if (fault === 'is silent') return;
      if (fault === 'answers 500') {
        send(500);
      } else if (url.endsWith('/xcap-caps/global/index')) {
        send(200, {}, '<auids><auid>org.openmobilealliance.groups</auid></auids>');
      } else if (fault !== 'ignores conditions' && fails(headers['if-match'], stored?.etag)) {
        send(412);
      } else if (method === 'PUT') {
        const broken = !body.trimEnd().endsWith('>') || !body.includes('</group>');
        if (!broken || fault === 'stores what it refuses') {
          let whole = fault === 'merges' && stored !== undefined ? stored.body : body;
          if (fault === 'rewrites') whole = whole.replace(/>\s+</g, '>\n<');
          revision += 1;
          const seed = fault === 'reuses tags' ? whole : String(revision);
          documents.set(url, { body: whole, etag: `"${createHash('md5').update(seed).digest('hex')}"` });
        }
        if (!broken) send(stored === undefined ? 201 : 200, { ETag: documents.get(url)?.etag ?? '' });
        else if (fault === 'explains in JSON') send(409, { 'Content-Type': 'application/json' }, '{"why":1}');
        else send(409, { 'Content-Type': 'application/xcap-error+xml' }, error('not-well-formed'));
      } else if (!['GET', 'HEAD', 'DELETE'].includes(method)) {
        send(405, fault === 'forgets Allow' ? {} : { Allow: 'GET, HEAD, PUT, DELETE' });
      } else if (stored === undefined) {
        send(404);
      } else if (method === 'DELETE') {
        if (fault !== 'never deletes') documents.delete(url);
        send(200);
      } else {
        send(200, { ETag: stored.etag, 'Content-Type': type }, stored.body);
      }
    };
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        answer(request, response, Buffer.concat(chunks).toString('utf8'));
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return new WrongServer(server, documents);
  }

  /** How many documents are there. */
  get size(): number {
    return this.#documents.size;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function fails(condition: string | undefined, etag: string | undefined): boolean {
  return condition !== undefined && (etag === undefined || (condition !== '*' && condition !== etag));
}
