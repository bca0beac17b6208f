import { expect } from 'chai';
import {
  CannotDelete,
  CannotInsert,
  ConstraintFailure,
  NoParent,
  NotUtf8,
  NotWellFormed,
  NotXmlAttValue,
  NotXmlFrag,
  SchemaValidationError,
  UniquenessFailure,
  writeXcapError,
  type XcapConflict,
} from '../../../src/xcap/conflicts.js';
import { gateText } from '../../../src/xml/gate.js';
import { attribute, type LocatedElement } from '../../../src/xml/tree.js';
import { limits } from '../../support/limits.js';
import { schemas } from '../../support/schemas.js';

/** A phrase with everything that could break out of its place. */
const hostile = '<&>"\'\n\u0000\u{1F692}]]>';

/** The one condition of an error body that is valid against its schema. */
function conditionOf(error: XcapConflict): LocatedElement {
  const text = writeXcapError(error);
  schemas().validate('xcap-error', text);
  const { tree } = gateText(text, limits);
  expect(tree.children).to.have.length(1);
  return tree.children[0] ?? expect.fail();
}

describe('RFC 4825 §11 error bodies', () => {
  const plain: readonly [string, XcapConflict][] = [
    ['not-well-formed', new NotWellFormed(hostile)],
    ['not-xml-frag', new NotXmlFrag(hostile)],
    ['not-xml-att-value', new NotXmlAttValue(hostile)],
    ['not-utf-8', new NotUtf8(hostile)],
    ['schema-validation-error', new SchemaValidationError(hostile)],
    ['cannot-insert', new CannotInsert(hostile)],
    ['cannot-delete', new CannotDelete(hostile)],
    ['constraint-failure', new ConstraintFailure(hostile)],
    ['no-parent', new NoParent(hostile)],
    ['no-parent', new NoParent(hostile, 'http://xcap.police.example/a?b&c')],
    ['uniqueness-failure', new UniquenessFailure(hostile, [{ field: 'a/@b', alternatives: [] }])],
    ['uniqueness-failure', new UniquenessFailure(hostile, [{ field: hostile, alternatives: [hostile, ''] }])],
  ];
  for (const [name, error] of plain) {
    it(`${name} is valid against its schema, whatever the phrase`, () => {
      expect(error.status).to.equal(409);
      const condition = conditionOf(error);
      expect(condition.local).to.equal(name);
      expect(attribute(condition, 'phrase')).to.equal(hostile.replace('\u0000', '\uFFFD'));
    });
  }

  it('no-parent names the nearest ancestor where one is known', () => {
    const uri = 'http://xcap.police.example/root/a/global/b/~~/c?xmlns(p=urn:p)';
    const [ancestor] = conditionOf(new NoParent('no', uri)).children;
    expect(ancestor?.local).to.equal('ancestor');
    expect(conditionOf(new NoParent('no')).children).to.deep.equal([]);
  });

  it('uniqueness-failure names each field, with values that are free', () => {
    const condition = conditionOf(
      new UniquenessFailure('taken', [
        { field: 'group/list-service/@uri', alternatives: ['sip:g-2@h', 'sip:g-3@h'] },
        { field: 'other/@uri', alternatives: [] },
      ]),
    );
    expect(
      condition.children.map((child) => [attribute(child, 'field'), child.children.length]),
    ).to.deep.equal([
      ['group/list-service/@uri', 2],
      ['other/@uri', 0],
    ]);
  });
});
