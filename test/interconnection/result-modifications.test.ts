import { expect } from 'chai';
import {
  groupText,
  joint,
  fire,
  police,
  provide,
  putPolicy,
  resultMediaType,
  resultOf,
  startPartner,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';

const accept = { Accept: resultMediaType };
const marking = `<policy xmlns="urn:mcgms:ns:interconnection-policy:1" xmlns:ls="urn:oma:xml:poc:list-service" id="marking">
  <template id="all" match="//ls:entry/@uri"><set select="concat(., ';marked=yes')"/></template>
</policy>`;

describe('23.280 table 10.2.2.y-1: what the Result tells of modifications', () => {
  let b: TestSystem;
  const members = Array.from({ length: 1100 }, (_, index) => `sip:unit-${index}@police.example`);

  beforeEach(async () => {
    b = await startPartner('http://127.0.0.1:9/xcap-root', { peer: { reportModifications: true } });
    await putPolicy(b, fire, marking);
  });

  afterEach(() => b.dispose());

  it('is the first thousand of them, and how many more there were, also after a restart', async () => {
    const first = await provide(b, police, joint, groupText({ members }), accept);
    expect(first.status).to.equal(201);
    const told = resultOf(first);
    if (told.kind !== 'provision') throw new Error('it is the Result of a provision');
    expect(told.modifications).to.have.length(1000);
    expect(told.omitted).to.equal(100);
    await b.close();
    await b.open();
    const again = { ...accept, 'If-Match': first.headers.etag ?? '' };
    const second = await provide(b, police, joint, groupText({ members }), again);
    expect(second.status).to.equal(200);
    expect(resultOf(second)).to.deep.equal(told);
  });

  it('counts nothing as left out where all of them are listed', async () => {
    const told = resultOf(await provide(b, police, joint, groupText(), accept));
    expect(told).to.have.property('modifications').that.has.length(3);
    expect(told).to.have.property('omitted', 0);
  });
});
