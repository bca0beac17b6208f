import { checkText } from '../../src/config/file.js';
import { checkGatewayConfig } from '../../src/gateway/config.js';
import { checkConfigText } from '../../src/gms/config.js';
import { resultMediaType } from '../../src/interconnection/result/result.js';
import { startGateway } from '../support/gateway.js';
import { fire, groupText, joint, police, ScriptedServer } from '../support/peers.js';
import { groupType, TestSystem, who } from '../support/system.js';
import { Client, type Base } from './client.js';
import type { Entrance } from './measure.js';
import { groupVocabulary, resultVocabulary } from './vocabularies.js';
import { roomyConfig } from './xcap-entrances.js';

/** The entrances beside XCAP and peers: the gateway, service authorisations, anything else, configuration. */

const folder = '/org.openmobilealliance.groups/global/byGroupID/';

function gatewayEntrance(direction: 'inward' | 'outward', method: 'GET' | 'PUT' | 'DELETE'): Entrance {
  return {
    name: `${method} through the gateway, ${direction}`,
    house: `gateway ${direction}`,
    covers: [method, ...(method === 'GET' ? ['HEAD'] : [])].map((each) => `gateway ${direction} ${each}`),
    takes: ['document', 'fields', 'answer', 'path', 'query', 'selector'],
    // A PUT brings a group; the answer to it is a Result. All others are answered with a group, or a Result.
    vocabulary: method === 'DELETE' ? resultVocabulary(joint) : groupVocabulary(joint),
    statuses: [502, 503, 504, 508],
    async open(room) {
      const gms = await ScriptedServer.start();
      const peer = await ScriptedServer.start();
      const gateway = await startGateway({
        system: { name: 'b', identity: fire.gms },
        inside: { port: 0 },
        limits: { headerBytes: 16 * 1024 * room, requestTarget: 8 * 1024 * room },
        forwarding: { bodyBytes: 1024 * 1024 * room, answerBytes: 2 * 1024 * 1024 * room },
        gms: [
          {
            name: 'north',
            identity: 'sip:gms-north@fire.example',
            root: gms.root,
            domains: [fire.domain, police.domain],
          },
        ],
        peers: [{ name: 'a', identity: police.gms, root: peer.root }],
      });
      const url = new URL(direction === 'inward' ? gateway.outside : `${gateway.inside ?? ''}/a`);
      const behind = direction === 'inward' ? gms : peer;
      const client = new Client(Number(url.port));
      const base: Base = {
        method,
        before: `${url.pathname}${folder}`,
        path: encodeURIComponent(joint),
        as: direction === 'inward' ? police.gms : 'sip:gms-north@fire.example',
        headers: method === 'PUT' ? { 'Content-Type': groupType } : {},
        ...(method === 'PUT' ? { body: groupText() } : {}),
      };
      return {
        prepare: () => {
          gateway.log.clear();
          behind.requests.length = 0;
          return Promise.resolve(true);
        },
        async ask(load, carrier) {
          const type = method === 'GET' ? groupType : resultMediaType;
          const fields = carrier === 'answer' ? (load.fields as Record<string, string>) : {};
          const body = load.body ?? groupText();
          behind.otherwise({ status: 200, headers: { ETag: '"1"', 'Content-Type': type, ...fields }, body });
          const sent = carrier === 'answer' ? {} : load;
          const { status } = await client.send(base, sent, method === 'PUT');
          if (method === 'GET') await client.send({ ...base, method: 'HEAD' }, sent, false);
          return status;
        },
        async close() {
          client.close();
          await gateway.close();
          await gms.down();
          await peer.down();
        },
      };
    },
  };
}

const gatewayEntrances = (['inward', 'outward'] as const).flatMap((direction) =>
  (['GET', 'PUT', 'DELETE'] as const).map((method) => gatewayEntrance(direction, method)),
);

/** A request outside the XCAP root. */
function outside(name: string, base: Base, takes: Entrance['takes']): Entrance {
  return {
    name,
    house: 'outside the XCAP root',
    covers: [name],
    takes,
    async open(room) {
      const system = await TestSystem.start(roomyConfig(room));
      const client = new Client(system.port);
      return {
        prepare: () => {
          system.log.clear();
          return Promise.resolve(true);
        },
        ask: async (load) => (await client.send(base, load)).status,
        async close() {
          client.close();
          await system.dispose();
        },
      };
    },
  };
}

/** A configuration file is judged, whoever wrote it. */
function configuration(name: string, needed: string, check: (text: string) => object): Entrance {
  return {
    name,
    house: 'configuration',
    covers: [name],
    takes: ['yaml'],
    vocabulary: { open: () => needed, close: '', entry: () => '', wrong: '' },
    open: () =>
      Promise.resolve({
        ask: ({ body = '' }) => Promise.resolve('config' in check(body) ? 200 : 400),
        close: () => Promise.resolve(),
      }),
  };
}

const neededByServer =
  'system: { domains: [police.example] }\ninterconnection: { identity: "sip:gms@police.example" }\n';
const neededByGateway = 'system: { name: b, identity: "sip:gms@fire.example" }\ninside: { port: 8081 }\n';

const json = { 'Content-Type': 'application/json' };

export const otherEntrances: readonly Entrance[] = [
  ...gatewayEntrances,
  outside(
    'POST /service-authorisations',
    { method: 'POST', before: '/service-authorisations', as: who.mcServiceServer, headers: json, body: '{}' },
    ['json', 'fields', 'query'],
  ),
  outside('GET /operations/', { method: 'GET', before: '/operations', as: who.administrator }, [
    'fields',
    'query',
    'path',
  ]),
  outside('anything else', { method: 'GET', before: '/', as: who.administrator }, [
    'fields',
    'query',
    'path',
  ]),
  outside(
    'a method that nobody knows',
    { method: 'PROPFIND', before: '/xcap-root/', as: who.administrator },
    ['fields', 'query', 'path', 'selector'],
  ),
  configuration('configuration of a server', neededByServer, (text) => checkConfigText(text, 'mcgms.yaml')),
  configuration('configuration of a gateway', neededByGateway, (text) =>
    checkText(text, 'gateway.yaml', checkGatewayConfig),
  ),
];
