import net from 'node:net';
import { expect } from 'chai';
import { fixtureBytes, jsonFixture } from '../support/fixtures.js';
import { TestSystem } from '../support/system.js';

/** What real clients put on the wire (design D15), replayed octet for octet from `fixtures/clients`. */

interface Exchange {
  readonly file: string;
  readonly client: string;
  readonly title: string;
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
  /** The answer's body is this file. */
  readonly bodyFile?: string;
  /** The element of the xcap-error. */
  readonly condition?: string;
  /** The document that the body of the request becomes. */
  readonly storedAt?: string;
}

const { documents, exchanges } = jsonFixture('clients/manifest.json') as {
  readonly documents: readonly { readonly path: string; readonly type: string; readonly file: string }[];
  readonly exchanges: readonly Exchange[];
};

const headEnd = '\r\n\r\n';

/** The octets behind the head of a message. */
function bodyOf(message: Buffer): Buffer {
  return message.subarray(message.indexOf(headEnd) + headEnd.length);
}

/** Sends `request` as it is and gives the answer, whether the server then hangs up or not. */
async function replay(port: number, request: Buffer): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let answer = Buffer.alloc(0);
    const finish = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      const length = /\r\ncontent-length: *([0-9]+)\r\n/i.exec(answer.toString('latin1'))?.[1];
      if (length !== undefined && answer.includes(headEnd) && bodyOf(answer).length >= Number(length))
        finish();
    });
    socket.on('error', reject);
    socket.on('close', finish);
    socket.write(request);
  });
}

describe('Requests of real clients (design D15)', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start();
    for (const { path, type, file } of documents) {
      await system.put(path, fixtureBytes(`clients/${file}`), type);
    }
  });

  after(() => system.dispose());

  for (const { file, client, title, status, type, body, bodyFile, condition, storedAt } of exchanges) {
    it(`${client}: ${title}: ${status}`, async () => {
      const request = fixtureBytes(`clients/${file}`);
      const answer = await replay(system.port, request);
      const [head = ''] = answer.toString('latin1').split(headEnd);
      expect(head, answer.toString('utf8')).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
      if (type !== undefined) expect(head.toLowerCase()).to.include(`\r\ncontent-type: ${type}`);
      if (body !== undefined) expect(bodyOf(answer).toString('utf8')).to.equal(body);
      if (bodyFile !== undefined) {
        expect(bodyOf(answer).equals(fixtureBytes(`clients/${bodyFile}`)), 'the document').to.equal(true);
      }
      if (condition !== undefined) expect(bodyOf(answer).toString('utf8')).to.include(`<${condition} `);
      if (storedAt !== undefined) {
        expect((await system.get(storedAt)).body.equals(bodyOf(request)), 'what is stored').to.equal(true);
      }
    });
  }
});
