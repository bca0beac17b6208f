import { monitorEventLoopDelay } from 'node:perf_hooks';
import { attend } from '../party.js';
import type { Ports } from '../scene.js';
import { HonestClients, type HonestReport } from './clients.js';

/** The process of the honest clients. */

/** What it tells at the end: also how late it was itself, in milliseconds, which its figures include. */
export interface HonestFigures extends HonestReport {
  readonly ownDelay: number;
}

export interface HonestSetup {
  readonly ports: Ports;
  readonly seconds: number;
}

const delay = monitorEventLoopDelay({ resolution: 5 });
let clients: HonestClients | undefined;

function present(): HonestClients {
  if (clients === undefined) throw new Error('nothing is prepared');
  return clients;
}

attend({
  prepare: async (argument) => {
    const { ports, seconds } = argument as HonestSetup;
    clients = new HonestClients(ports);
    await clients.prepare(seconds);
  },
  begin: () => {
    delay.enable();
    present().begin();
    return Promise.resolve();
  },
  end: async (): Promise<HonestFigures> => {
    const report = await present().end();
    return { ...report, ownDelay: delay.max / 1e6 };
  },
  lost: () => present().lost(),
  'until equal': (argument) => present().untilEqual(Number(argument)),
});
