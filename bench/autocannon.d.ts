/** What the bench uses of autocannon, which comes without types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  namespace autocannon {
    interface Request {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Buffer;
    }

    interface Client {
      setRequests(requests: readonly Request[]): void;
    }

    interface Options {
      readonly url: string;
      readonly connections: number;
      /** Seconds. */
      readonly duration: number;
      /** Milliseconds between two looks at whether the time is up. */
      readonly sampleInt: number;
      /** Seconds. */
      readonly timeout: number;
      /** Called once for each connection, before it is opened. */
      readonly setupClient: (client: Client) => void;
    }

    interface Result {
      readonly errors: number;
      readonly timeouts: number;
    }

    /** A run: emits `response` with client, status, octets and milliseconds. */
    interface Run extends EventEmitter, PromiseLike<Result> {}
  }

  function autocannon(options: autocannon.Options): autocannon.Run;
  export = autocannon;
}
