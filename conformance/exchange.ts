import http from 'node:http';
import https from 'node:https';

/** One HTTP exchange: the request-target goes out as it is written, quotes and brackets included. */

export interface Outgoing {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** No answer came, for the reason in the message. */
export class NoAnswer extends Error {}

export interface ClientSettings {
  /** The XCAP root URI. */
  readonly root: string;
  /** Milliseconds until an answer is given up. */
  readonly deadline: number;
  /** Certificate authorities in PEM, instead of the usual ones. */
  readonly ca?: Buffer | undefined;
}

/** Sends requests to one server over connections that are kept. */
export class Client {
  readonly #root: URL;
  readonly #deadline: number;
  readonly #ca: Buffer | undefined;
  readonly #agent: http.Agent;

  constructor({ root, deadline, ca }: ClientSettings) {
    this.#root = new URL(root);
    this.#deadline = deadline;
    this.#ca = ca;
    this.#agent = this.#secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  }

  get #secure(): boolean {
    return this.#root.protocol === 'https:';
  }

  /** @throws NoAnswer */
  async send(outgoing: Outgoing): Promise<Answer> {
    try {
      return await this.#exchange(outgoing, true);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      throw new NoAnswer(`no answer to ${outgoing.method} ${outgoing.target}: ${reason}`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(outgoing: Outgoing, mayRetry: boolean): Promise<Answer> {
    const { method, target, headers, body } = outgoing;
    const length = body === undefined ? {} : { 'Content-Length': body.length };
    const options: https.RequestOptions = {
      host: this.#root.hostname.replace(/^\[|\]$/g, ''),
      port: this.#root.port,
      method,
      path: target,
      headers: { ...length, ...(headers as http.OutgoingHttpHeaders) },
      agent: this.#agent,
      ...(this.#ca !== undefined && { ca: this.#ca }),
    };
    return new Promise((resolve, reject) => {
      const request = this.#secure ? https.request(options) : http.request(options);
      const timer = setTimeout(() => {
        request.destroy(new Error(`nothing within ${this.#deadline} ms`));
      }, this.#deadline);
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        // The server closed a kept connection just when it was to be used again.
        if (mayRetry && request.reusedSocket && error.code === 'ECONNRESET') {
          resolve(this.#exchange(outgoing, false));
        } else {
          reject(error);
        }
      });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          clearTimeout(timer);
          const { statusCode = 0, headers: received } = response;
          resolve({ status: statusCode, headers: received, body: Buffer.concat(chunks) });
        });
      });
      request.end(body);
    });
  }
}
