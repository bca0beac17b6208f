import http from 'node:http';
import { send, type RawAnswer } from '../support/raw-http.js';
import type { Load } from './load.js';

/** A request that an entrance makes, before a load is put into it. */
export interface Base {
  readonly method: string;
  /** The target up to the part that a load may replace. */
  readonly before: string;
  /** The segments that a load of a path replaces. */
  readonly path?: string;
  /** Behind the segments. */
  readonly behind?: string;
  /** The node selector that a load replaces. */
  readonly selector?: string;
  readonly query?: string;
  readonly as?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function targetOf({ before, path = '', behind = '', selector, query }: Base, load: Load): string {
  const node = load.selector ?? selector;
  const asked = load.query ?? query;
  return [
    before,
    load.path ?? path,
    behind,
    node === undefined ? '' : `/~~/${node}`,
    asked === undefined ? '' : `?${asked}`,
  ].join('');
}

/** Sends requests to one port, over connections that stay open. */
export class Client {
  readonly #port: number;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.#port = port;
  }

  /** @param carriesBody whether the body of `load` is this request's */
  async send(base: Base, load: Load = {}, carriesBody = true): Promise<RawAnswer> {
    const asserted = base.as === undefined ? {} : { 'X-3GPP-Asserted-Identity': base.as };
    const body = (carriesBody ? load.body : undefined) ?? base.body;
    return await send(
      this.#port,
      {
        method: base.method,
        target: targetOf(base, load),
        headers: { ...asserted, ...base.headers, ...load.fields },
        ...(body === undefined ? {} : { body }),
      },
      this.#agent,
    );
  }

  close(): void {
    this.#agent.destroy();
  }
}

export function succeeded({ status }: { readonly status: number }): boolean {
  return status >= 200 && status < 300;
}
