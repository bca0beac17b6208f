import net from 'node:net';

/** Sends octets as they are and gives everything that comes back until the server hangs up. */
export async function exchange(port: number, request: string | Buffer): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
    socket.write(request);
  });
}

/** Sends octets and resets the connection once they are on their way. */
export async function sendAndReset(port: number, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('close', () => {
      resolve();
    });
    socket.write(text, () => {
      socket.resetAndDestroy();
    });
  });
}
