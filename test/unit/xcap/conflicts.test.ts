import { expect } from 'chai';
import type { ETag } from '../../../src/base/identifiers.js';
import { capsName, createCapsUsage, writeCaps } from '../../../src/usages/caps.js';
import { writeXcapDiff } from '../../../src/xcap/diff.js';
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
import {
  BadGateway,
  BadRequest,
  ContentTooLarge,
  Forbidden,
  Gone,
  InsufficientStorage,
  MethodNotAllowed,
  NotFound,
  NotImplemented,
  PreconditionFailed,
  PreconditionRequired,
  ServiceUnavailable,
  UnsupportedMediaType,
  UriTooLong,
} from '../../../src/base/refusals.js';
import { documentName } from '../../../src/xcap/request-uri.js';
import { gateText } from '../../../src/xml/gate.js';
import { attribute, type LocatedElement } from '../../../src/xml/tree.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

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

describe('Refusals', () => {
  const statuses: readonly [number, { status: number }][] = [
    [400, new BadRequest('no')],
    [403, new Forbidden('no')],
    [404, new NotFound('no')],
    [405, new MethodNotAllowed(['GET'])],
    [410, new Gone('no')],
    [412, new PreconditionFailed('no')],
    [413, new ContentTooLarge('no')],
    [414, new UriTooLong('no')],
    [415, new UnsupportedMediaType('no')],
    [428, new PreconditionRequired('no')],
    [501, new NotImplemented('no')],
    [502, new BadGateway('no')],
    [503, new ServiceUnavailable('no', 30)],
    [507, new InsufficientStorage('no')],
  ];
  for (const [status, error] of statuses) {
    it(`${error.constructor.name} is ${status}`, () => {
      expect(error.status).to.equal(status);
    });
  }

  it('tell the methods that are allowed, and when to come again', () => {
    expect(new MethodNotAllowed(['GET', 'HEAD']).headers).to.deep.equal({ Allow: 'GET, HEAD' });
    expect(new ServiceUnavailable('no', 30).headers).to.deep.equal({ 'Retry-After': '30' });
    expect(new NotFound('no').headers).to.deep.equal({});
  });

  it('keep the detail for the log apart from the phrase for the requester', () => {
    const error = new BadGateway('the group cannot be fetched', 'ECONNREFUSED 10.0.0.1');
    expect(error.phrase).to.equal('the group cannot be fetched');
    expect(error.message).to.equal('ECONNREFUSED 10.0.0.1');
    expect(error.name).to.equal('BadGateway');
  });
});

describe('RFC 4825 §12 server capabilities', () => {
  it('are valid against their schema and list each usage and namespace once', () => {
    const usage = createCapsUsage();
    const text = writeCaps([usage, usage]);
    schemas().validate('xcap-caps', text);
    const [auids, , namespaces] = gateText(text, limits).tree.children;
    expect(auids?.children).to.have.length(1);
    expect(namespaces?.children).to.have.length(usage.namespaces.length);
  });

  it('are the one document of their usage', () => {
    const path = ['index'];
    const { auid } = createCapsUsage();
    expect(createCapsUsage().nameOf({ auid, tree: 'global', xui: undefined, path })).to.equal(capsName);
    expect(documentName({ auid, tree: 'global', xui: undefined, path })).to.equal(capsName);
    expect(() => createCapsUsage().nameOf({ auid, tree: 'global', xui: undefined, path: [] })).to.throw(
      NotFound,
    );
  });
});

describe('RFC 5874 §3 xcap-diff documents', () => {
  const root = 'https://xcap.police.example/root';

  it('tell a document that came, one that changed and one that went', () => {
    const text = writeXcapDiff(root, [
      { selector: 'a/global/came', newETag: 'n1' as ETag, previousETag: undefined },
      { selector: 'a/global/changed', newETag: 'n2' as ETag, previousETag: 'p2' as ETag },
      { selector: 'a/global/went&"<', newETag: undefined, previousETag: 'p3' as ETag },
    ]);
    schemas().validate('xcap-diff', text);
    const { tree } = gateText(text, limits);
    expect(attribute(tree, 'xcap-root')).to.equal(root);
    expect(
      tree.children.map((child) =>
        ['sel', 'new-etag', 'previous-etag'].map((name) => attribute(child, name)),
      ),
    ).to.deep.equal([
      ['a/global/came', 'n1', undefined],
      ['a/global/changed', 'n2', 'p2'],
      ['a/global/went&"<', undefined, 'p3'],
    ]);
  });

  it('may tell nothing', () => {
    schemas().validate('xcap-diff', writeXcapDiff(root, []));
  });
});
