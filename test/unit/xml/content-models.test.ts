import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { ContentModels } from '../../../src/xml/content-models.js';
import { gateText } from '../../../src/xml/gate.js';
import { gatedSchema } from '../../../src/xml/mended-schema.js';
import { ns } from '../../../src/xml/names.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

const folder = new URL('../../../../fixtures/xcap/', import.meta.url);
const orders = 'urn:example:orders';

/** The place of `local` in the first child of an orders document, or in its root where there is none. */
function placeIn(content: string, local: string, namespace = orders): number | undefined {
  const models = new ContentModels('every-order.xsd', (location) => {
    return gatedSchema(readFileSync(new URL(location, folder)))?.tree;
  });
  const { tree } = gateText(`<orders xmlns="${orders}">${content}</orders>`, limits);
  return models.lastPlace(tree.children[0] ?? tree, { namespace, local });
}

describe('XML Schema part 1 §3.8 the last place where an element may stand', () => {
  const places: readonly [why: string, content: string, local: string, place: number | undefined][] = [
    ['in an empty parent', '<extended/>', 'left', 0],
    ['before what must follow', '<extended><right/><last/></extended>', 'left', 0],
    ['between the content of a base and its extension', '<extended><first/><last/></extended>', 'left', 1],
    ['behind all that may stand before it', '<extended><first/><left/></extended>', 'last', 2],
    ['nowhere, where a choice is taken', '<extended><both/></extended>', 'left', undefined],
    ['nowhere, where it stands already', '<extended><left/></extended>', 'left', undefined],
    ['nowhere, where the schema has no such element', '<extended/>', 'other', undefined],
    ['nowhere, where a sibling is out of order', '<extended><last/><first/></extended>', 'left', undefined],
    ['at the end, where the order is free', '<any-order><red/></any-order>', 'green', 1],
    ['by the type of what is substituted for', '<substituted><circle/></substituted>', 'colour', 1],
    ['as what is substituted', '<substituted><colour/></substituted>', 'circle', 0],
    ['in the last repetition that has room', '<repeated><key/><value/><key/><key/></repeated>', 'value', 4],
    [
      'in the type that the document states',
      '<stated xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="extended"><right/></stated>',
      'last',
      1,
    ],
    [
      'and unknown, where that type is nowhere',
      '<stated xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="nowhere"><right/></stated>',
      'left',
      undefined,
    ],
    ['and unknown below an element of no schema', '<x xmlns="urn:x"><y/></x>', 'z', undefined],
    ['and unknown in an element that has text alone', '<end/>', 'left', undefined],
  ];
  for (const [why, content, local, place] of places) {
    it(`${local} ${why}`, () => {
      expect(placeIn(content, local)).to.equal(place);
    });
  }

  it('an element without a namespace, where the schema says so', () => {
    expect(placeIn('<unqualified><far/></unqualified>', 'near', '')).to.equal(0);
    expect(placeIn('<unqualified><far/></unqualified>', 'near')).to.equal(undefined);
  });

  it('an element of another schema, where a wildcard stands', () => {
    const { tree } = gateText(`<orders xmlns="${orders}"><extended/><end/></orders>`, limits);
    const models = new ContentModels('every-order.xsd', (location) => {
      return gatedSchema(readFileSync(new URL(location, folder)))?.tree;
    });
    expect(models.lastPlace(tree, { namespace: 'urn:x', local: 'note' })).to.equal(1);
    expect(models.lastPlace(tree, { namespace: '', local: 'note' })).to.equal(undefined);
  });

  it('a schema that cannot be read says nothing', () => {
    const models = new ContentModels('missing.xsd', () => undefined);
    const { tree } = gateText(`<orders xmlns="${orders}"/>`, limits);
    expect(models.lastPlace(tree, { namespace: orders, local: 'end' })).to.equal(undefined);
  });

  it('behind fifty thousand siblings', () => {
    const name = { namespace: ns.listService, local: 'display-name' };
    const list = `<list>${'<entry uri="sip:a@b.example"/>'.repeat(49_000)}</list>`;
    const { tree } = gateText(
      `<group xmlns="${ns.listService}"><list-service uri="sip:g@b.example">${list}</list-service></group>`,
      limits,
    );
    const [service] = tree.children;
    const [members] = service?.children ?? [];
    if (service === undefined || members === undefined) throw new Error('no list');
    expect(schemas().lastPlaceIn('group')(service, name)).to.equal(0);
    expect(schemas().lastPlaceIn('group')(members, { ...name, local: 'external' })).to.equal(49_000);
  });
});
