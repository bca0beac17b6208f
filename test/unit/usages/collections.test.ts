import { expect } from 'chai';
import { systemRandom } from '../../../src/base/random.js';
import type { Auid, DocumentName } from '../../../src/base/identifiers.js';
import { RequestRefused } from '../../../src/base/refusals.js';
import { Documents } from '../../../src/documents/documents.js';
import { JudgeHere } from '../../../src/documents/judgement.js';
import { Collection } from '../../../src/usages/collections.js';
import { createDeclaredRules } from '../../../src/usages/declared-usage.js';
import { shippedDeclarations } from '../../../src/usages/shipped-usages.js';
import { unlimited } from '../../../src/xml/scan.js';
import { attribute } from '../../../src/xml/tree.js';
import { validTree } from '../../conformance/expectations.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryStore } from '../interconnection/parts.js';
import { schemas } from '../../support/schemas.js';

const auid = 'rls-services' as Auid;

async function refusalOf(work: Promise<unknown>): Promise<RequestRefused | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof RequestRefused) return error;
    throw error;
  }
}

describe('RFC 4826 §4.4 global/index', () => {
  let store: MemoryStore;
  let documents: Documents;
  let collection: Collection;
  let read: string[];

  beforeEach(() => {
    read = [];
    store = new MemoryStore();
    const get = store.get.bind(store);
    store.get = (key) => {
      read.push(key);
      return get(key);
    };
    documents = new Documents(store, new ManualClock(), systemRandom, 1 << 20);
    const declaration = shippedDeclarations['rls-services'];
    const judge = new JudgeHere({ schemas: schemas(), limits: unlimited });
    const tools = { clock: new ManualClock(), judge, rules: createDeclaredRules(declaration) };
    collection = new Collection(declaration, documents, tools, 1 << 20);
  });

  async function put(name: string, ...uris: readonly string[]): Promise<void> {
    const content = uris.map((uri) => `<service uri="${uri}"><list/></service>`).join('');
    const current = documents.newForm(
      `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">${content}</rls-services>`,
    );
    const key = name as DocumentName;
    await documents.change(key, () => ({
      kind: 'put',
      placement: { key, names: [key] },
      content: { auid, current, received: null },
      result: () => undefined,
    }));
  }

  async function uris(): Promise<readonly (string | undefined)[]> {
    const { body } = await collection.form();
    return validTree('rls-services', body).children.map((service) => attribute(service, 'uri'));
  }

  it('reads what changed, and nothing where nothing did', async () => {
    await put('rls-services/users/a/index', 'sip:a@x', 'sip:b@x');
    await put('rls-services/users/b/index', 'sip:c@x');
    expect(await uris()).to.deep.equal(['sip:a@x', 'sip:b@x', 'sip:c@x']);
    read = [];
    expect(await uris()).to.have.lengthOf(3);
    expect(read).to.deep.equal([]);
    await put('rls-services/users/b/index', 'sip:d@x');
    read = [];
    expect(await uris()).to.deep.equal(['sip:a@x', 'sip:b@x', 'sip:d@x']);
    expect(read).to.deep.equal(['rls-services/users/b/index']);
  });

  it('is written anew where a service moved while documents were read', async () => {
    await put('rls-services/users/a/index');
    await put('rls-services/users/b/index', 'sip:a@x');
    const get = store.get.bind(store);
    let moved = false;
    store.get = async (key) => {
      // The first document has been read without the service, the second will be read without it.
      if (!moved && key.endsWith('/b/index')) {
        moved = true;
        await put('rls-services/users/b/index');
        await put('rls-services/users/a/index', 'sip:a@x');
      }
      return await get(key);
    };
    expect(await uris()).to.deep.equal(['sip:a@x']);
    expect(moved).to.equal(true);
  });

  it('is refused, not written, where stored services inherit more than an answer may hold', async () => {
    const content = Array.from({ length: 10_000 }, (_, index) => `<s:service uri="sip:${index}@x"/>`).join(
      '',
    );
    const current = documents.newForm(
      `<s:rls-services xmlns:s="urn:ietf:params:xml:ns:rls-services" xmlns="urn:${'n'.repeat(500_000)}">${content}</s:rls-services>`,
    );
    const key = 'rls-services/users/a/index' as DocumentName;
    await documents.change(key, () => ({
      kind: 'put',
      placement: { key, names: [key] },
      content: { auid, current, received: null },
      result: () => undefined,
    }));
    read = [];
    const refusals = await Promise.all([1, 2, 3].map(() => refusalOf(collection.form())));
    expect(refusals.map((refusal) => refusal?.status)).to.deep.equal([507, 507, 507]);
    expect(read).to.deep.equal([key]);
    expect((await refusalOf(collection.form()))?.phrase).to.include('too large to be collected');
    expect(read, 'it is known to be too large').to.deep.equal([key]);
    await put(key, 'sip:a@x');
    expect(await uris()).to.deep.equal(['sip:a@x']);
  });

  it('is not the place for documents of the global tree', async () => {
    await put('rls-services/global/other', 'sip:a@x');
    expect(await uris()).to.deep.equal([]);
  });
});
