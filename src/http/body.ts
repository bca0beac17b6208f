import type { IncomingMessage } from 'node:http';
import {
  BadRequest,
  ContentTooLarge,
  type RequestRefused,
  ServiceUnavailable,
  UnsupportedMediaType,
} from '../base/refusals.js';
import type { Holding } from '../base/shared-budget.js';

/**
 * The body of a request, from its first octet on.
 *
 * Subtle: it is collected from the moment that the request is there, wanted or not, because Node.js keeps a chunk
 * that nobody takes as an object of its own: of one octet, it costs a hundred times its size. Chunks are copied into
 * one buffer that doubles, at most up to the declared length. Not the declared length is counted but the buffer,
 * since a length costs a client nothing to declare.
 */

/** Codings that mean "as it is"; `UTF-8` is what some deployed XCAP clients send (design D15). */
const identityCodings = new Set(['', 'identity', 'utf-8']);

/**
 * Octets that every message may have without counting: the number of connections bounds them. So what is small is
 * never refused, however much others hold. As many are collected of a body before somebody wants it.
 */
export const freeOctets = 16 * 1024;

/** The first buffer of a body of unknown length. */
const firstOctets = 1024;

/** Seconds after which a request that found no room is worth trying again. */
const retryAfter = 2;

const noOctets = Buffer.alloc(0);

/** The refusal of a request for which there is no room in memory. */
export function noRoom(detail: string): ServiceUnavailable {
  return new ServiceUnavailable('too much is under way at present', retryAfter, detail);
}

/** What a body needs of its connection. */
export interface BodyRoom {
  /** A holding of octets, which gives way by calling `end`. */
  readonly open: (end: () => void) => Holding;
  /** Stops or goes on reading from the connection. */
  readonly hold: (holds: boolean) => void;
  /** To be told of all octets that are read, also of those that nobody wants. */
  readonly read: (octets: number) => void;
}

/** Whether a request has a body. Where it has none, nothing need be collected. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

export class RequestBody {
  readonly #request: IncomingMessage;
  readonly #room: BodyRoom;
  /** The declared length, or Infinity. */
  readonly #declared: number;
  #holding: Holding | undefined;
  #buffer: Buffer = noOctets;
  #size = 0;
  #state: 'coming' | 'whole' | 'discarded' = 'coming';
  #refused: RequestRefused | undefined;
  #limit: number | undefined;
  #settle: (() => void) | undefined;

  constructor(request: IncomingMessage, room: BodyRoom) {
    this.#request = request;
    this.#room = room;
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    this.#declared = coding === undefined ? Number(length ?? 0) : Infinity;
    request.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    request.once('end', () => {
      if (this.#state === 'coming') this.#state = 'whole';
      // What is whole is about to be worked on.
      this.#holding?.keep();
      this.#settle?.();
    });
    const onBroken = (): void => {
      this.#refuse(new BadRequest('the body breaks off'));
    };
    request.once('aborted', onBroken);
    request.once('error', onBroken);
  }

  /**
   * Reads the body, of at most `limit` octets.
   *
   * @param wanted called once the body is going to be read
   * @throws UnsupportedMediaType for a content coding, ContentTooLarge, BadRequest where the body breaks off,
   *   ServiceUnavailable where there is no room for it
   */
  async read(limit: number, wanted: () => void): Promise<Buffer> {
    const { headers } = this.#request;
    checkCoding(headers['content-encoding']);
    if (Number(headers['content-length'] ?? 0) > limit || this.#size > limit) throw tooLarge(limit);
    wanted();
    this.#limit = limit;
    this.#room.hold(false);
    if (this.#state === 'coming' && this.#refused === undefined) {
      await new Promise<void>((resolve) => {
        this.#settle = resolve;
      });
    }
    if (this.#refused !== undefined) throw this.#refused;
    if (this.#size === this.#buffer.length) return this.#buffer;
    // Whoever keeps the body must not keep the rest of the buffer with it.
    const exact = Buffer.allocUnsafeSlow(this.#size);
    this.#buffer.copy(exact);
    return exact;
  }

  /** Lets go of what came; what still comes is let through and forgotten. */
  discard(): void {
    this.#state = 'discarded';
    this.#buffer = noOctets;
    this.#holding?.release();
    this.#room.hold(false);
  }

  #take(chunk: Buffer): void {
    this.#room.read(chunk.length);
    if (this.#state !== 'coming' || this.#refused !== undefined) return;
    const size = this.#size + chunk.length;
    if (this.#limit !== undefined && size > this.#limit) {
      this.#refuse(tooLarge(this.#limit));
      return;
    }
    if (!this.#keep(chunk, size)) {
      this.#refuse(noRoom('no room for the body of a request'));
      return;
    }
    if (this.#limit === undefined && size >= freeOctets) this.#room.hold(true);
  }

  /** Whether there is room for a chunk that makes `size` octets with those before it; if so, it is kept. */
  #keep(chunk: Buffer, size: number): boolean {
    if (this.#size === 0 && size === this.#declared) {
      // The usual case: it comes in one piece.
      if (!this.#count(size)) return false;
      this.#buffer = chunk;
    } else {
      if (size > this.#buffer.length) {
        const octets = Math.max(
          size,
          Math.min(this.#declared, Math.max(firstOctets, 2 * this.#buffer.length)),
        );
        if (!this.#count(octets)) return false;
        const larger = Buffer.allocUnsafeSlow(octets);
        this.#buffer.copy(larger, 0, 0, this.#size);
        this.#buffer = larger;
      }
      chunk.copy(this.#buffer, this.#size);
    }
    this.#size = size;
    return true;
  }

  #count(octets: number): boolean {
    if (octets <= freeOctets) return true;
    this.#holding ??= this.#room.open(() => {
      this.#refuse(noRoom('the body of a request gives way to others'));
    });
    return this.#holding.resize(octets);
  }

  #refuse(refused: RequestRefused): void {
    if (this.#state !== 'coming') return;
    this.#refused ??= refused;
    this.#buffer = noOctets;
    this.#holding?.release();
    this.#settle?.();
  }
}

/** @throws UnsupportedMediaType */
export function checkCoding(coding = ''): void {
  if (identityCodings.has(coding.trim().toLowerCase())) return;
  throw new UnsupportedMediaType('bodies are accepted without content coding only');
}

function tooLarge(limit: number): ContentTooLarge {
  return new ContentTooLarge(`a body has at most ${limit} octets`);
}
