import { expect } from 'chai';
import { PeerClient } from '../../src/interconnection/peer-client.js';
import { methods as gatewayMethods } from '../../src/gateway/passage.js';
import { readSmall, smallChildren, smallText } from '../../src/xml/read-small.js';
import { ns } from '../../src/xml/names.js';
import { jsonOf, operations } from '../support/operations.js';
import { police, startPartner } from '../support/peers.js';
import { groupPath, TestSystem, who } from '../support/system.js';
import { dimensions } from './dimensions.js';
import { entrances } from './entrances.js';
import { exponentOf } from './fit.js';
import { faultOf, run } from './judge.js';
import type { Carrier } from './load.js';
import type { Cell } from './measure.js';
import { ownUnderTest, roomyConfig, usagesUnderTest } from './xcap-entrances.js';

/**
 * The table of the growth test: that it names every entrance that the server has, and that growth would be seen. The
 * growth itself is measured by `npm run growth`.
 */

const covered = new Set(entrances.flatMap(({ covers }) => covers));

function expectCovered(there: readonly string[]): void {
  expect(there).to.not.be.empty;
  expect(
    there.filter((each) => !covered.has(each)),
    'test/growth names no entrance for',
  ).to.deep.equal([]);
}

describe('The growth test knows every entrance', () => {
  let system: TestSystem;

  before(async () => {
    system = await TestSystem.start(roomyConfig(1));
  });

  after(() => system.dispose());

  /** The methods that the server says it allows at a path below the XCAP root. */
  const allowed = async (path: string, as: string = who.administrator): Promise<readonly string[]> => {
    const { headers, status } = await system.request({ method: 'LINK', path, as });
    expect(status, path).to.equal(405);
    return (headers.allow ?? '').split(', ');
  };

  it('each application usage, with each method and kind of resource', async () => {
    const caps = readSmall((await system.get('/xcap-caps/global/index')).text);
    const auids = smallChildren(caps)
      .filter(({ local, namespace }) => local === 'auids' && namespace === ns.xcapCaps)
      .flatMap((each) => smallChildren(each))
      .map(smallText);
    const there: string[] = [];
    for (const auid of auids) {
      const usage = usagesUnderTest.find((each) => each.auid === auid);
      const own = ownUnderTest.filter((each) => each.auid === auid);
      expect(usage ?? own[0], `what is put in ${auid}`).to.not.equal(undefined);
      const places = [
        ...(usage === undefined ? [] : [{ label: auid, path: `${usage.folder}/${usage.name}`, ...usage }]),
        ...own.map((each) => ({ label: `${auid} ${each.path}`, ...each })),
      ];
      for (const { label, path, selectors } of places) {
        const nodes = {
          document: '',
          element: `/~~/${selectors.element}`,
          attribute: `/~~/${selectors.attribute}`,
          namespaces: `/~~/${selectors.element}/namespace::*`,
        };
        for (const [kind, node] of Object.entries(nodes)) {
          const methods = await allowed(`/${auid}/${path}${node}`);
          there.push(...methods.map((method) => `${method} ${label} ${kind}`));
        }
      }
    }
    expectCovered(there);
  });

  it('each resource for operators', async () => {
    const index = jsonOf(await operations(system, 'GET', '', { as: who.administrator })) as {
      readonly resources: readonly { readonly path: string; readonly methods: readonly string[] }[];
    };
    const there = index.resources.flatMap(({ methods, path }) =>
      methods.map((method) => `${method} ${path}`),
    );
    expectCovered([...there, 'GET /operations/']);
  });

  it('each method of a peer', async () => {
    const partner = await startPartner('http://127.0.0.1:9/xcap-root');
    try {
      const { headers } = await partner.request({
        method: 'POST',
        path: groupPath('sip:g@police.example'),
        as: police.gms,
      });
      expectCovered((headers.allow ?? '').split(', ').map((method) => `peer ${method}`));
    } finally {
      await partner.dispose();
    }
  });

  it('each answer of a peer', () => {
    const requests = Object.getOwnPropertyNames(PeerClient.prototype).filter(
      (name) => name !== 'constructor',
    );
    expectCovered(requests.map((name) => `answer ${name}`));
  });

  it('each method of the gateway, in both directions', () => {
    for (const direction of ['inward', 'outward']) {
      expectCovered(gatewayMethods.map((method) => `gateway ${direction} ${method}`));
    }
  });

  it('each carrier has dimensions, and an entrance that takes it', () => {
    for (const [carrier, made] of Object.entries(dimensions)) {
      expect(made, carrier).to.not.be.empty;
      const takers = entrances.filter(({ takes }) => takes.includes(carrier as Carrier));
      expect(takers, carrier).to.not.be.empty;
    }
  });

  it('each entrance has a name of its own', () => {
    const names = entrances.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });
});

describe('Growth is seen', () => {
  const points = (of: (size: number) => number): { size: number; cost: number }[] =>
    [1, 2, 4, 8, 16].map((size) => ({ size, cost: of(size) }));

  it('the exponent of a power is the power, whatever each request costs besides', () => {
    expect(
      exponentOf(
        points((size) => 3 * size + 50),
        50,
        1,
      ),
    ).to.be.closeTo(1, 0.001);
    expect(
      exponentOf(
        points((size) => 3 * size ** 2 + 50),
        50,
        1,
      ),
    ).to.be.closeTo(2, 0.001);
  });

  it('growth that rises late out of the noise is no less steep', () => {
    expect(
      exponentOf(
        points((size) => size ** 3 / 10),
        0,
        5,
      ),
    ).to.be.above(1.8);
    expect(
      exponentOf(
        points((size) => size),
        0,
        5,
      ),
    ).to.be.below(1.1);
  });

  it('a cost below the noise has no exponent', () => {
    expect(
      exponentOf(
        points((size) => size / 100),
        0,
        1,
      ),
    ).to.equal(undefined);
  });

  const exactly = { carrier: 'value', dimension: 'one long value' } as const;

  const cellOf = async (entrance: string, quick: boolean): Promise<Cell> => {
    const [cell] = await run({ entrances: [entrance], quick, tries: 1, exactly });
    if (cell === undefined) throw new Error('nothing was measured');
    return cell;
  };

  it('work that is planted and quadratic fails', async function () {
    this.timeout(120_000);
    expect(faultOf(await cellOf('planted: time', true))).to.match(/time grows with the power of/);
  });

  it('memory that is planted and quadratic fails', async function () {
    this.timeout(120_000);
    expect(faultOf(await cellOf('planted: memory', false))).to.match(/memory grows with the power of/);
  });

  it('a process that ends under a request fails', async function () {
    this.timeout(120_000);
    expect(faultOf(await cellOf('planted: end', true))).to.match(/the process ended/);
  });
});
