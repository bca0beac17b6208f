import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/peers.js';
import { administratorOf, domains, gmsOf, mcServiceServer, rootPath } from './cast.js';
import { Neighbours } from './neighbours.js';
import { ServerProcess } from './server-process.js';

/** The systems of a siege, each a process of its own, in a folder that goes with them. */

export interface Ports {
  readonly police: number;
  readonly fire: number;
  readonly rescue: number;
}

/** Failed deliveries are tried again soon, so that it shows after a siege whether systems become equal. */
const backOff = { first: '1s', cap: '5s' } as const;

export class Scene {
  readonly ports: Ports;
  readonly #folder: string;
  readonly #neighbours: Neighbours;
  readonly #honest: readonly ServerProcess[];
  #besieged: ServerProcess;
  /** A siege that is broken off leaves no folder behind. */
  readonly #remove = (): void => {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  };

  private constructor(
    ports: Ports,
    folder: string,
    neighbours: Neighbours,
    besieged: ServerProcess,
    honest: readonly ServerProcess[],
  ) {
    this.ports = ports;
    this.#folder = folder;
    this.#neighbours = neighbours;
    this.#besieged = besieged;
    this.#honest = honest;
    process.once('exit', this.#remove);
  }

  static async start(): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'mcgms-siege-'));
    const ports = { police: await freePort(), fire: await freePort(), rescue: await freePort() };
    const neighbours = await Neighbours.start(ports.rescue, await freePort());
    const rootOfPolice = `http://127.0.0.1:${ports.police}${rootPath}`;
    const rootOf = {
      ...{ fire: `http://127.0.0.1:${ports.fire}${rootPath}`, rescue: neighbours.rootOf('rescue') },
      ...{ silent: neighbours.rootOf('silent'), flood: neighbours.rootOf('flood') },
    };
    const besieged = configOf('police', ports.police, folder, {
      mcServiceServers: [{ identity: mcServiceServer, inform: neighbours.informUrl }],
      peers: (['fire', 'rescue', 'silent', 'flood'] as const).map((name) => ({
        ...peerOf(name, rootOf[name]),
        ...(name === 'flood' ? { provide: false, request: false } : {}),
      })),
    });
    const police = peerOf('police', rootOfPolice);
    const start = async (name: keyof Ports, config: object): Promise<ServerProcess> =>
      ServerProcess.start(await written(folder, name, config), { isBesieged: name === 'police' });
    const [first, ...others] = await Promise.all([
      start('police', besieged),
      start('fire', configOf('fire', ports.fire, folder, { peers: [police] })),
      // It gives its groups only when it is asked for them.
      start('rescue', configOf('rescue', ports.rescue, folder, { peers: [{ ...police, provide: false }] })),
    ]);
    return new Scene(ports, folder, neighbours, first, others);
  }

  get besieged(): ServerProcess {
    return this.#besieged;
  }

  /** Starts the besieged server again on its folder, after its end. */
  async startAgain(): Promise<void> {
    await this.#besieged.stop();
    this.#besieged = await ServerProcess.start(join(this.#folder, 'police.yaml'), { isBesieged: true });
  }

  async close(): Promise<void> {
    for (const server of [this.#besieged, ...this.#honest]) await server.stop();
    await this.#neighbours.close();
    process.off('exit', this.#remove);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function peerOf(name: keyof typeof domains, root: string): object {
  return { name, identity: gmsOf(name), root, domains: [domains[name]] };
}

function configOf(name: keyof Ports, port: number, folder: string, more: object): object {
  const config = {
    system: { name, domains: [domains[name]] },
    http: { port },
    store: { folder: join(folder, name) },
    identity: { administrators: [administratorOf(name)] },
    interconnection: { identity: gmsOf(name), backOff },
    log: { level: 'warn' },
  };
  return { ...config, ...more };
}

async function written(folder: string, name: string, config: object): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify(config));
  return file;
}
