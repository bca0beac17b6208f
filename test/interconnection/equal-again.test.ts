import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { jsonOf, operations } from '../support/operations.js';
import {
  administratorDeletes,
  administratorPuts,
  copyAt,
  fire,
  getAs,
  groupText,
  police,
  startPair,
  type Pair,
} from '../support/peers.js';
import type { TestSystem } from '../support/system.js';

/**
 * Two real systems, one of which loses its store or gets back an older one: they become equal again without an
 * edit of any group (design D17).
 */

const delivered = 'group information delivered';

/** Which copies of the folder there are. */
const dataOf = ({ folder }: TestSystem): string => join(folder, 'data');
const backupOf = ({ folder }: TestSystem): string => join(folder, 'backup');

describe('design D17: equal again after any loss', () => {
  let pair: Pair;
  const ids = Array.from({ length: 12 }, (_, number) => `sip:g-${10 + number}@police.example`);
  const members = [police.member, fire.member];

  beforeEach(async () => {
    pair = await startPair({
      a: { interconnection: { reconciliation: { interval: '1s', rate: 1000 } } },
      b: { interconnection: { revalidation: '0', reconciliation: { interval: '0' } } },
    });
  });

  afterEach(async () => {
    await pair.dispose();
  });

  const put = async (id: string, name: string, listed = members): Promise<void> => {
    await administratorPuts(pair.a, police, id, groupText({ id, name, members: listed }));
    await pair.a.log.line(delivered, ({ group }) => group === id);
    pair.a.log.clear();
  };
  const gone = async (id: string): Promise<void> => {
    await administratorDeletes(pair.a, police, id);
    await pair.a.log.line(delivered, ({ group, outcome }) => group === id && outcome === 'withdrawn');
    pair.a.log.clear();
  };
  const backedUp = async (system: TestSystem): Promise<void> => {
    await system.close();
    await cp(dataOf(system), backupOf(system), { recursive: true });
    await system.open();
  };
  /** @param from what the folder is a copy of afterwards; nothing where it is wiped */
  const replaced = async (system: TestSystem, from?: string): Promise<void> => {
    await system.close();
    await rm(dataOf(system), { recursive: true });
    if (from !== undefined) await cp(from, dataOf(system), { recursive: true });
    await system.open();
  };
  /** What each side has of the groups. */
  const sides = async (): Promise<readonly [unknown, unknown]> => {
    const { a, b } = pair;
    const here: unknown[] = [];
    const there: unknown[] = [];
    for (const id of ids) {
      const own = await getAs(a, police.administrator, id);
      const lists = own.status === 200 && own.text.includes(fire.member);
      here.push([id, lists ? own.text : 404]);
      const { received } = await copyAt(b, id);
      there.push([id, received.status === 200 ? received.text : received.status]);
    }
    return [here, there];
  };
  /** Waits until a comparison finds nothing to tell any more, and compares both sides ourselves. */
  const equal = async (): Promise<void> => {
    await pair.a.log.line('partner compared', ({ marked }) => typeof marked === 'number' && marked > 0);
    const quiet = async (): Promise<void> => {
      pair.a.log.clear();
      const { fields } = await pair.a.log.line('partner compared');
      const view = jsonOf(await operations(pair.a, 'GET', '/peers/b', { as: police.administrator }));
      const { pending } = view as { readonly pending: number };
      if (fields['marked'] === 0 && fields['unknown'] === 0 && pending === 0) return;
      await quiet();
    };
    await quiet();
    const [here, there] = await sides();
    expect(there).to.deep.equal(here);
  };

  it('the partner’s folder is wiped: it has every group again', async () => {
    for (const id of ids) await put(id, 'First');
    await replaced(pair.b);
    await equal();
    expect((await copyAt(pair.b, ids[0] ?? '')).received.status).to.equal(200);
  });

  it('the partner’s folder is restored from a backup: news, removals and withdrawals are told again', async () => {
    const [changed = '', removed = '', deleted = '', created = '', ...rest] = ids;
    for (const id of [changed, removed, deleted, ...rest]) await put(id, 'First');
    await backedUp(pair.b);
    await put(changed, 'Second');
    await put(removed, 'Second', [police.member]);
    await gone(deleted);
    await put(created, 'New');
    await replaced(pair.b, backupOf(pair.b));
    expect((await copyAt(pair.b, deleted)).received.status, 'the backup has it').to.equal(200);
    await equal();
    const statuses = [];
    for (const id of [changed, removed, deleted, created]) {
      statuses.push((await copyAt(pair.b, id)).received.status);
    }
    expect(statuses).to.deep.equal([200, 404, 404, 200]);
  });

  it('the primary’s folder is restored from a backup: the partner has what the primary has now', async () => {
    const [changed = '', removed = '', ...rest] = ids;
    for (const id of [changed, removed, ...rest]) await put(id, 'First');
    await backedUp(pair.a);
    await put(changed, 'Second');
    await put(removed, 'Second', [police.member]);
    await replaced(pair.a, backupOf(pair.a));
    await equal();
    expect((await copyAt(pair.b, changed)).received.text).to.equal(
      groupText({ id: changed, name: 'First', members }),
    );
  });

  it('the primary’s folder is wiped: the partner keeps everything, and what is put anew replaces it', async () => {
    for (const id of ids) await put(id, 'First');
    await replaced(pair.a);
    const [first = ''] = ids;
    await put(first, 'Anew');
    const [, second = ''] = ids;
    expect((await copyAt(pair.b, first)).received.text).to.equal(
      groupText({ id: first, name: 'Anew', members }),
    );
    expect((await copyAt(pair.b, second)).received.text).to.equal(
      groupText({ id: second, name: 'First', members }),
    );
    const answer = await operations(pair.b, 'POST', '/peers/a/refetch', { as: fire.administrator });
    expect(jsonOf(answer)).to.deep.include({ outcomes: { unchanged: 1, refused: ids.length - 1 } });
    expect((await copyAt(pair.b, second)).received.status).to.equal(200);
  });
});
