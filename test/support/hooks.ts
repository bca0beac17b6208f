import net from 'node:net';

/**
 * Loaded before every test. The network is forbidden but for loopback: a test that tries to reach
 * anything else fails at once instead of depending on the machine that it runs on.
 */

const isLoopback = (host: string | undefined): boolean =>
  host === undefined || host === 'localhost' || host === '::1' || host.startsWith('127.');

type Connect = typeof net.Socket.prototype.connect;

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
const connect: Connect = net.Socket.prototype.connect;

function guarded(this: net.Socket, ...given: unknown[]): net.Socket {
  const [first] = given.flat();
  const options: { host?: unknown; path?: unknown } =
    typeof first === 'object' && first !== null ? first : {};
  const host = typeof options.host === 'string' ? options.host : undefined;
  if (options.path === undefined && !isLoopback(host)) {
    throw new Error(`a test tried to connect to ${host ?? 'an unknown host'}`);
  }
  return Reflect.apply(connect, this, given) as net.Socket;
}

net.Socket.prototype.connect = guarded;
