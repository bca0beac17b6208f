import { expect } from 'chai';
import { checkGroupConstraints } from '../../../src/groups/constraints.js';
import { mcServicesOf } from '../../../src/groups/services.js';
import { UniquenessFailure, writeXcapError, XcapConflict } from '../../../src/xcap/conflicts.js';
import { gateText } from '../../../src/xml/gate.js';
import { fixture, jsonFixture } from '../../support/fixtures.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

interface Case {
  readonly clause: string;
  readonly title: string;
  /** What stands in `list-service`. */
  readonly content: string;
  readonly services: readonly string[];
  /** The xcap-error element of the refusal, and words of it. */
  readonly condition?: string;
  readonly says?: string;
}

const { document, cases } = jsonFixture('groups/constraints/cases.json') as {
  readonly document: string;
  readonly cases: readonly Case[];
};
const frame = fixture(document);

describe('Constraints of group documents and the MC services that they are for', () => {
  for (const { clause, title, content, services, condition, says } of cases) {
    it(`${clause}: ${title}`, () => {
      const text = frame.replace('<!-- content -->', content);
      schemas().validate('group', text);
      const gated = gateText(text, limits);
      const [listService] = gated.tree.children;
      if (listService === undefined) throw new Error('no list-service');
      expect([...mcServicesOf(listService)].sort()).to.deep.equal(services);
      if (condition === undefined || says === undefined) {
        checkGroupConstraints(gated);
        return;
      }
      expect(() => {
        checkGroupConstraints(gated);
      })
        .to.throw(XcapConflict)
        .and.satisfy((error: XcapConflict) => {
          const body = writeXcapError(error);
          schemas().validate('xcap-error', body);
          expect(body).to.include(`<${condition} `).and.include(says);
          return error instanceof UniquenessFailure === (condition === 'uniqueness-failure');
        });
    });
  }
});
