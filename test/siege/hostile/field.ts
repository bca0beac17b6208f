import { setMaxListeners } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { onTheWire, type Asked } from '../cast.js';

/** What a hostile client works with: requests and connections that are counted, until the siege ends. */

/** What hostile clients of one kind achieved. */
export interface Tally {
  connections: number;
  /** Requests whose head was sent. */
  requests: number;
  sent: number;
  received: number;
  /** Answers by status. */
  statuses: Record<string, number>;
  /** Connections that the server closed or reset, or that could not be made. */
  cutOff: number;
}

/** Milliseconds before a connection that was cut off is made again. */
const pauses = { request: 50, connection: 1000 } as const;

export class Field {
  readonly tally: Tally = { connections: 0, requests: 0, sent: 0, received: 0, statuses: {}, cutOff: 0 };
  readonly ended: AbortSignal;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #port: number;

  constructor(port: number, ended: AbortSignal) {
    this.#port = port;
    this.ended = ended;
    // Each connection and each pause listens.
    setMaxListeners(0, ended);
    ended.addEventListener('abort', () => {
      this.#agent.destroy();
    });
  }

  get isOver(): boolean {
    return this.ended.aborted;
  }

  /** Waits, at most until the siege ends. */
  async wait(milliseconds: number): Promise<void> {
    await pause(milliseconds, undefined, { signal: this.ended }).catch(() => undefined);
  }

  /** `workers` of them do the same again and again until the siege ends. */
  async repeat(workers: number, work: (worker: number, turn: number) => Promise<unknown>): Promise<void> {
    const repeatOne = async (worker: number): Promise<void> => {
      for (let turn = 0; !this.isOver; turn += 1) await work(worker, turn);
    };
    await Promise.all(Array.from({ length: workers }, (_, worker) => repeatOne(worker)));
  }

  /** Sends a request, reads its answer and gives the status; undefined where the connection was cut off. */
  async ask(asked: Asked): Promise<number | undefined> {
    const { method, target, headers, body } = onTheWire(asked);
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const octets = body === undefined ? 0 : Buffer.byteLength(body);
    this.tally.requests += 1;
    const status = await new Promise<number | undefined>((resolve) => {
      const outgoing = http.request({
        ...{ host: '127.0.0.1', port: this.#port, method, path: target, agent: this.#agent },
        headers: { ...headers, ...length },
      });
      outgoing.on('socket', (socket) => {
        if (socket.connecting) this.tally.connections += 1;
      });
      outgoing.on('error', () => {
        resolve(undefined);
      });
      outgoing.on('response', (incoming) => {
        incoming.on('data', (chunk: Buffer) => (this.tally.received += chunk.length));
        incoming.on('close', () => {
          resolve(incoming.statusCode);
        });
      });
      outgoing.end(body);
    });
    if (this.isOver) return status;
    if (status === undefined) {
      this.tally.cutOff += 1;
      await this.wait(pauses.request);
      return undefined;
    }
    this.tally.sent += octets;
    this.#count(String(status));
    return status;
  }

  /** As `ask`, for what must succeed before the siege. @throws Error where it does not */
  async put(asked: Omit<Asked, 'method'>): Promise<void> {
    const status = await this.ask({ ...asked, method: 'PUT' });
    if (status !== 200 && status !== 201) throw new Error(`PUT ${asked.path}: ${status ?? 'no answer'}`);
  }

  /**
   * So many connections at a time, each made again after it was cut off, until the siege ends.
   *
   * @param work what is done on one of them; it is over when the connection is closed
   */
  async connect(count: number, work: (connection: Connection) => Promise<unknown>): Promise<void> {
    await this.repeat(count, async () => {
      const connection = this.open();
      await work(connection);
      await connection.closed;
      await this.wait(pauses.connection);
    });
  }

  /** A connection, whoever closes it. */
  open(): Connection {
    return new Connection(this.#port, this);
  }

  noteAnswers(chunk: Buffer): void {
    this.tally.received += chunk.length;
    for (const [, status = ''] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3})/g))
      this.#count(status);
  }

  #count(status: string): void {
    this.tally.statuses[status] = (this.tally.statuses[status] ?? 0) + 1;
  }
}

/** One connection, on which anything may be sent. */
export class Connection {
  readonly #socket: net.Socket;
  readonly #field: Field;
  /** Resolves when it is closed, by either side, or when the siege ends. */
  readonly closed: Promise<void>;
  /** Resolves when something has come to a connection that reads, or it is closed. */
  readonly answered: Promise<unknown>;
  #isClosed = false;
  #isOurs = false;
  #onAnswer: () => void = () => undefined;

  constructor(port: number, field: Field) {
    this.#field = field;
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    field.tally.connections += 1;
    const onEnd = (): void => {
      socket.destroy();
    };
    field.ended.addEventListener('abort', onEnd);
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        field.ended.removeEventListener('abort', onEnd);
        if (!field.isOver && !this.#isOurs) field.tally.cutOff += 1;
        resolve();
      });
    });
    const first = new Promise<void>((resolve) => (this.#onAnswer = resolve));
    this.answered = Promise.race([first, this.closed]);
  }

  /** Whether there is nothing more to do on it. */
  get isClosed(): boolean {
    return this.#isClosed || this.#field.isOver;
  }

  /** Reads what comes and counts it. */
  read(): this {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#field.noteAnswers(chunk);
      this.#onAnswer();
    });
    return this;
  }

  /** Counts a request whose head is among what is sent. */
  async request(data: string | Buffer, count = 1): Promise<void> {
    this.#field.tally.requests += count;
    await this.send(data);
  }

  /** Sends; resolves when the system has taken it, or the connection is closed. */
  async send(data: string | Buffer): Promise<void> {
    if (this.isClosed) return;
    const taken = new Promise<boolean>((resolve) => {
      this.#socket.write(data, (error) => {
        resolve(!(error instanceof Error));
      });
    });
    const isTaken = await Promise.race([taken, this.closed.then(() => false)]);
    if (isTaken) this.#field.tally.sent += Buffer.byteLength(data);
  }

  reset(): void {
    this.#isOurs = true;
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#isOurs = true;
    this.#socket.destroy();
  }
}

/** The head of a request, with its empty line. */
export function head(asked: Asked, ...fields: readonly string[]): string {
  const { method, target, headers = {} } = onTheWire(asked);
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${each}`),
  );
  return [`${method} ${target} HTTP/1.1`, 'Host: gms.police.example', ...lines, ...fields, '', ''].join(
    '\r\n',
  );
}
