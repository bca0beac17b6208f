import { expect } from 'chai';
import {
  linearize,
  registerModel,
  type Recorded,
  type RegisterConditions,
  type RegisterOperation,
} from '../../support/linearizability.js';

/** The checker itself, on histories written by hand. */

type At = readonly [asked: number, answered: number];

function get(at: At, etag: string, value = etag): Recorded<RegisterOperation> {
  return recorded(at, { kind: 'get', status: 200, etag, value });
}

function put(
  at: At,
  etag: string,
  status = 200,
  conditions: RegisterConditions = {},
): Recorded<RegisterOperation> {
  return recorded(at, {
    kind: 'put',
    status,
    etag: status === 412 ? undefined : etag,
    value: etag,
    ...conditions,
  });
}

function remove(at: At, status = 200, conditions: RegisterConditions = {}): Recorded<RegisterOperation> {
  return recorded(at, { kind: 'delete', status, ...conditions });
}

function absent(at: At): Recorded<RegisterOperation> {
  return recorded(at, { kind: 'get', status: 404, etag: undefined, value: '' });
}

function recorded([asked, answered]: At, operation: RegisterOperation): Recorded<RegisterOperation> {
  return { operation, asked, answered };
}

const histories: readonly [title: string, fits: boolean, history: readonly Recorded<RegisterOperation>[]][] =
  [
    ['nothing at all', true, []],
    [
      'one after the other',
      true,
      [absent([1, 2]), put([3, 4], 'a', 201), get([5, 6], 'a'), remove([7, 8]), absent([9, 10])],
    ],
    ['a read of what nobody wrote', false, [put([1, 2], 'a', 201), get([3, 4], 'b')]],
    ['a read before anything was written', false, [get([1, 2], 'a'), put([3, 4], 'a', 201)]],
    ['a read of what was replaced', false, [put([1, 2], 'a', 201), put([3, 4], 'b'), get([5, 6], 'a')]],
    [
      'a tag with the value of another',
      false,
      [put([1, 2], 'a', 201), put([3, 4], 'b'), get([5, 6], 'b', 'a')],
    ],
    [
      'reads beside a write, old then new',
      true,
      [put([1, 2], 'a', 201), put([3, 8], 'b'), get([4, 5], 'a'), get([6, 7], 'b')],
    ],
    [
      'reads beside a write, new then old',
      false,
      [put([1, 2], 'a', 201), put([3, 8], 'b'), get([4, 5], 'b'), get([6, 7], 'a')],
    ],
    [
      'two readers who disagree on the order of two writes',
      false,
      [
        put([1, 2], 'x', 201),
        put([3, 20], 'a'),
        put([3, 20], 'b'),
        get([4, 5], 'a'),
        get([6, 7], 'b'),
        get([4, 5], 'b'),
        get([6, 7], 'a'),
      ],
    ],
    [
      'two writes at once, read in either order',
      true,
      [put([1, 10], 'a', 201), put([1, 10], 'b'), get([11, 12], 'b')],
    ],
    ['two creations at once', false, [put([1, 10], 'a', 201), put([1, 10], 'b', 201)]],
    [
      'two creations with a deletion between',
      true,
      [put([1, 10], 'a', 201), put([1, 10], 'b', 201), remove([1, 10])],
    ],
    [
      'a write that was acknowledged and lost',
      false,
      [put([1, 2], 'a', 201), put([3, 4], 'b'), get([5, 6], 'a'), get([7, 8], 'a')],
    ],
    ['a deletion that was undone', false, [put([1, 2], 'a', 201), remove([3, 4]), get([5, 6], 'a')]],
    ['a deletion of nothing', false, [remove([1, 2])]],
    ['a deletion of nothing, said to be none', true, [remove([1, 2], 404)]],
    ['two deletions of one state', false, [put([1, 2], 'a', 201), remove([3, 6]), remove([3, 6])]],
    ['a creation where something is', false, [put([1, 2], 'a', 201), put([3, 4], 'b', 201)]],
    ['a replacement of nothing', false, [put([1, 2], 'a', 200)]],
    ['a tag used twice in a row', false, [put([1, 2], 'a', 201), put([3, 4], 'a')]],
    [
      'two writers with one tag, both acknowledged',
      false,
      [
        put([1, 2], 'a', 201),
        put([3, 6], 'b', 200, { ifMatch: 'a' }),
        put([3, 6], 'c', 200, { ifMatch: 'a' }),
      ],
    ],
    [
      'two writers with one tag, one acknowledged',
      true,
      [
        put([1, 2], 'a', 201),
        put([3, 6], 'b', 412, { ifMatch: 'a' }),
        put([3, 6], 'c', 200, { ifMatch: 'a' }),
        get([7, 8], 'c'),
      ],
    ],
    [
      'two writers with one tag, none acknowledged',
      false,
      [
        put([1, 2], 'a', 201),
        put([3, 6], 'b', 412, { ifMatch: 'a' }),
        put([3, 6], 'c', 412, { ifMatch: 'a' }),
      ],
    ],
    [
      'a refusal that another write does not explain in time',
      false,
      [put([1, 2], 'a', 201), put([3, 4], 'b', 412, { ifMatch: 'a' }), put([5, 6], 'c')],
    ],
    [
      'creators with If-None-Match: *, one acknowledged',
      true,
      [
        put([1, 9], 'a', 412, { ifNoneMatch: '*' }),
        put([1, 9], 'b', 201, { ifNoneMatch: '*' }),
        put([1, 9], 'c', 412, { ifNoneMatch: '*' }),
      ],
    ],
    ['a creator refused where nothing is', false, [put([1, 2], 'a', 412, { ifNoneMatch: '*' })]],
    [
      'If-Match: * where nothing is',
      true,
      [put([1, 2], 'a', 412, { ifMatch: '*' }), remove([3, 4], 412, { ifMatch: '*' })],
    ],
    [
      'a deletion with an old tag',
      false,
      [put([1, 2], 'a', 201), put([3, 4], 'b'), remove([5, 6], 200, { ifMatch: 'a' })],
    ],
    [
      'not modified',
      true,
      [
        put([1, 2], 'a', 201),
        recorded([3, 4], { kind: 'get', status: 304, etag: 'a', value: '', ifNoneMatch: 'a' }),
      ],
    ],
    [
      'not modified, where it was',
      false,
      [
        put([1, 2], 'a', 201),
        put([3, 4], 'b'),
        recorded([5, 6], { kind: 'get', status: 304, etag: 'a', value: '', ifNoneMatch: 'a' }),
      ],
    ],
    [
      'modified, where it was not',
      false,
      [
        put([1, 2], 'a', 201),
        recorded([3, 4], { kind: 'get', status: 200, etag: 'a', value: 'a', ifNoneMatch: 'a' }),
      ],
    ],
  ];

describe('The checker of histories (Wing and Gong)', () => {
  for (const [title, fits, history] of histories) {
    it(`${fits ? 'accepts' : 'refuses'} ${title}`, () => {
      const order = linearize(history, registerModel);
      if (!fits) expect(order).to.equal(undefined);
      else expect(order).to.have.members(history.map(({ operation }) => operation));
    });
  }

  it('gives an order that contradicts no client', () => {
    const [first, last, second] = [put([1, 9], 'a', 201), get([10, 11], 'b'), put([2, 9], 'b')];
    expect(linearize([first, last, second], registerModel)).to.deep.equal(
      [first, second, last].map(({ operation }) => operation),
    );
  });

  it('comes to its end on many operations at once, also where they do not fit', () => {
    const many = Array.from({ length: 14 }, (_, number) =>
      put([1, 99], `tag ${number}`, number === 0 ? 201 : 200),
    );
    expect(linearize([...many, get([100, 101], 'tag 7')], registerModel)).to.have.length(15);
    expect(linearize([...many, get([100, 101], 'another')], registerModel)).to.equal(undefined);
  });
});
