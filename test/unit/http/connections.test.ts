import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect } from 'chai';
import { systemClock } from '../../../src/base/clock.js';
import { SharedBudget } from '../../../src/base/shared-budget.js';
import type { Exchange, Socket } from '../../../src/http/connection.js';
import { Connections } from '../../../src/http/connections.js';
import { ReadingTurns } from '../../../src/http/reading-turns.js';
import { RequestTurns } from '../../../src/http/request-turns.js';
import { ManualClock } from '../../support/manual-clock.js';

/** What a connection needs of a socket. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  destroyed = false;
  reading = true;

  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
    this.emit('resume');
  }
}

describe('Connections', () => {
  let clock: ManualClock;
  let connections: Connections;
  let begun: Exchange[];
  let waiting: SharedBudget;

  beforeEach(() => {
    clock = new ManualClock();
    connections = new Connections(4, clock);
    begun = [];
    waiting = new SharedBudget(20_000);
  });

  function open(address: string): FakeSocket {
    const socket = new FakeSocket(address);
    connections.opened(socket as unknown as Socket, {
      work: (exchange) => begun.push(exchange),
      openHolding: (owner, giveWay) => waiting.open(owner, giveWay),
      readingTurns: new ReadingTurns(),
      requestTurns: new RequestTurns(clock),
    });
    return socket;
  }

  /** A request; `complete` says whether all of it is there. @returns its response, which ends it when closed */
  function ask(socket: FakeSocket, principal?: string, complete = true): EventEmitter {
    const headers = principal === undefined ? {} : { 'x-3gpp-asserted-identity': principal };
    const response = new EventEmitter();
    connections
      .of(socket as unknown as Socket)
      ?.asked(
        { headers, socket, complete } as unknown as IncomingMessage,
        response as unknown as ServerResponse,
      );
    return response;
  }

  /** A connection on which `principal` was answered. */
  function used(address: string, principal: string): FakeSocket {
    const socket = open(address);
    ask(socket, principal).emit('close');
    return socket;
  }

  function lost(sockets: readonly FakeSocket[]): readonly number[] {
    return sockets.flatMap(({ destroyed }, index) => (destroyed ? [index] : []));
  }

  it('whoever holds most loses the connection that has been idle for the longest time', () => {
    const sockets = [used('p', 'b'), used('p', 'a'), used('p', 'a'), used('p', 'a')];
    open('q');
    expect(lost(sockets)).to.deep.equal([1]);
  });

  it('connections count for the principal of their last request', () => {
    const sockets = [used('p', 'a'), used('p', 'a'), used('p', 'b'), used('p', 'b')];
    const [, first] = sockets;
    if (first !== undefined) ask(first, 'b').emit('close');
    open('q');
    expect(lost(sockets)).to.deep.equal([2]);
  });

  it('one that only connects takes the place of its own connections, and nobody else’s', () => {
    const good = used('p', 'a');
    const sockets = Array.from({ length: 50 }, () => open('q'));
    expect(good.destroyed).to.equal(false);
    expect(lost(sockets)).to.have.lengthOf(47);
    expect(sockets.at(-1)?.destroyed).to.equal(false);
  });

  it('one with a request in work stays, unless it has kept us waiting for a second', () => {
    const sockets = Array.from({ length: 4 }, () => open('p'));
    for (const socket of sockets) ask(socket, 'a', false);
    expect(open('q').destroyed, 'the further one').to.equal(true);
    clock.advance(1000);
    expect(open('q').destroyed).to.equal(false);
    expect(lost(sockets)).to.deep.equal([0]);
  });

  it('one whose request is being worked on stays', () => {
    const sockets = Array.from({ length: 4 }, () => open('p'));
    for (const socket of sockets) ask(socket, 'a');
    clock.advance(60_000);
    expect(open('q').destroyed).to.equal(true);
    expect(lost(sockets)).to.deep.equal([]);
  });

  it('one whose answer is not taken is closed at its limit, counted from each part of the answer', () => {
    const socket = open('p');
    ask(socket, 'a');
    clock.advance(60_000);
    const [exchange] = begun;
    exchange?.connection.writes();
    clock.advance(900);
    exchange?.connection.writes();
    clock.advance(900);
    connections.closeUnread(1000);
    expect(socket.destroyed).to.equal(false);
    clock.advance(100);
    connections.closeUnread(1000);
    expect(socket.destroyed).to.equal(true);
  });

  describe('one request in work', () => {
    it('those behind it wait, in order, and nothing more is read until the last of them is in work', async () => {
      const socket = open('p');
      const answers = ['a', 'b', 'c'].map((principal) => ask(socket, principal));
      expect(begun).to.have.lengthOf(1);
      expect(socket.reading).to.equal(false);
      // Node.js goes on reading at the end of each message.
      socket.resume();
      expect(socket.reading).to.equal(false);
      for (const [index, answer] of answers.entries()) {
        const { request } = begun[index] ?? {};
        expect(request?.headers['x-3gpp-asserted-identity']).to.equal('abc'.charAt(index));
        answer.emit('close');
        await systemClock.turn();
      }
      expect(begun).to.have.lengthOf(3);
      expect([socket.reading, waiting.held]).to.deep.equal([true, 0]);
    });

    it('other connections have their turn in between', async () => {
      const [one, other] = [open('p'), open('p')];
      const answer = ask(one, 'a');
      ask(one, 'a');
      answer.emit('close');
      ask(other, 'b');
      await systemClock.turn();
      const order = begun.map(({ request }) => request.headers['x-3gpp-asserted-identity']);
      expect(order).to.deep.equal(['a', 'b', 'a']);
    });

    it('what waits is counted; where there is no room for it, its connection ends', () => {
      const [other, socket] = [open('p'), open('p')];
      for (const each of [other, other, socket, socket, socket, socket]) ask(each, 'a');
      expect([socket.destroyed, waiting.held]).to.deep.equal([false, 4 * 4096]);
      ask(socket, 'a');
      expect([other.destroyed, socket.destroyed, waiting.held]).to.deep.equal([false, true, 4096]);
    });
  });
});
