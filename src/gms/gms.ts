import { auditLine } from '../audit/events.js';
import { LineLog } from '../audit/line-log.js';
import { Closers } from '../base/closers.js';
import { connectionsWithin } from '../base/descriptors.js';
import type { DocumentState } from '../documents/state.js';
import { NamedStore } from '../documents/system-names.js';
import { documentTally } from '../documents/tally.js';
import { urlHost } from '../base/uri.js';
import { createApp, listen } from '../http/server.js';
import { OutboundClient } from '../outbound/client.js';
import { PooledJudge } from '../judgement/pooled-judge.js';
import { PolicyRunner } from '../policy/runner.js';
import { openIncarnation } from '../store/incarnation.js';
import { storeFile } from '../store/lmdb/format-file.js';
import { openStore } from '../store/lmdb/open-store.js';
import { warnOfStrangers } from '../store/strangers.js';
import { composeSystem } from './compose.js';
import type { Config } from './config.js';
import { declarations } from './configured-usages.js';
import type { Ground, Surroundings } from './foundation.js';
import { memoryParts } from './memory.js';
import { openMcNames, openSchemas, schemaSources } from './usages.js';

/**
 * A group management server, made from a configuration: what it stands on is opened, then the system is put
 * together (compose.ts), then it listens. Nothing is kept in module scope, so that a process can run several,
 * as the demo and the tests do.
 */

/** A running group management server. */
export interface Gms {
  /** Its XCAP root URL. */
  readonly root: string;
  /** Opens the audit log anew, where there is one in a file: somebody has renamed it. */
  reopenLogs(): Promise<void>;
  /** Finishes requests under way and releases port and store. */
  close(): Promise<void>;
}

/**
 * Opens the store, compiles the schemas and starts to listen.
 *
 * @throws ConfigurationError, StoreUnusable, FileUnusable, or AddressUnusable; nothing is left open
 */
export async function createGms(config: Config, surroundings: Surroundings): Promise<Gms> {
  const { random, log } = surroundings;
  const { interconnection, store: kept, xml: limits } = config;
  const closers = new Closers();
  try {
    const schemas = closers.add(openSchemas(config));
    const mcNames = openMcNames();
    const { unknownNames } = config.groups;
    const judge = closers.add(
      new PooledJudge(
        { schemas, limits, log },
        {
          ...schemaSources(config),
          groups: { mcNames, unknownNames },
          declarations: declarations(config),
        },
      ),
    );
    const cacheBytes = memoryParts(kept.cacheBytes).records;
    const store = closers.add(
      await openStore<DocumentState>({ ...kept, cacheBytes, tally: documentTally, log, random }),
    );
    const logs = [config.audit.file, config.log.file].filter((file) => file !== undefined);
    await warnOfStrangers(kept.folder, logs, log);
    const incarnation = await openIncarnation(kept.folder, storeFile, random);
    const audit = await openAudit(config, surroundings, closers);
    const client = closers.add(
      new OutboundClient({
        deadline: interconnection.peerDeadline,
        answerBytes: interconnection.answerBytes,
      }),
    );
    const openRunner: Ground['openRunner'] = (onSlow) => {
      return new PolicyRunner({
        deadline: interconnection.policyDeadline,
        // A peer of the same mind gives up then.
        patience: interconnection.peerDeadline,
        limits,
        ...(onSlow && { onSlow }),
      });
    };
    const system = closers.add(
      composeSystem(config, surroundings, {
        store: await NamedStore.open(store, config.system.name, config.peers),
        incarnation,
        schemas,
        judge,
        mcNames,
        client,
        openRunner,
        audit,
      }),
    );
    const app = createApp(system.handler, config.xml.bodyBytes, log);
    const connections = connectionsWithin(config.http.limits.connections);
    const server = closers.add(await listen(app, config.http, { ...config.http.limits, connections }));
    // A verification under way would hold up the closing of the server.
    closers.add(system.operations);
    const root = localRoot(config, server.port);
    system.start(root);
    return { root, reopenLogs: async () => await audit?.reopen(), close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** Opens the audit log and writes there that the system starts and, on closing, that it has stopped. */
async function openAudit(
  { audit, store, system }: Config,
  { clock, log }: Surroundings,
  closers: Closers,
): Promise<LineLog | undefined> {
  if (audit.file === 'none') return undefined;
  const lostLine = (events: number): string => auditLine(clock.now(), { event: 'lost', events });
  const lines = closers.add(
    await LineLog.open({
      name: 'audit log',
      folder: store.folder,
      file: audit.file,
      rotation: audit,
      lostLine,
      log,
    }),
  );
  const tell = (event: 'start' | 'stop'): void => {
    lines.append(auditLine(clock.now(), { event, system: system.name }));
  };
  tell('start');
  closers.add({
    close: () => {
      tell('stop');
    },
  });
  return lines;
}

/** The XCAP root as a client on this machine reaches it. */
function localRoot({ http }: Config, port: number): string {
  return `http://${urlHost(http.host)}:${port}${http.root}`;
}
