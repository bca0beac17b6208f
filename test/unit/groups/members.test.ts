import { expect } from 'chai';
import { canonicalUri } from '../../../src/base/uri.js';
import { checkGroupConstraints } from '../../../src/groups/constraints.js';
import { remarksOnMembers } from '../../../src/groups/members.js';
import { ConstraintFailure, UniquenessFailure } from '../../../src/xcap/conflicts.js';
import { gateText, type GatedText } from '../../../src/xml/gate.js';
import { fixture } from '../../support/fixtures.js';
import { limits } from '../../support/limits.js';
import { listOf, memberCases } from '../../support/member-cases.js';

const frame = fixture('groups/constraints/document.xml');

function group(content: string): GatedText {
  return gateText(frame.replace('<!-- content -->', content), limits);
}

const checking = (content: string) => () => {
  checkGroupConstraints(group(content));
};

const unescaped = (uri: string): string => uri.replaceAll('&amp;', '&');

describe('TS 24.481 7.2.7 a member is listed once', () => {
  for (const [clause, title, one, other] of memberCases.same) {
    it(`${clause} ${title}: the same member`, () => {
      for (const uris of [
        [one, other],
        [other, one],
      ]) {
        expect(checking(listOf('sip:z@police.example', ...uris)))
          .to.throw(UniquenessFailure)
          .and.satisfy(({ taken }: UniquenessFailure) => taken[0]?.field.includes('entry[3]/@uri'));
      }
    });
  }

  for (const [clause, title, one, other] of memberCases.different) {
    it(`${clause} ${title}: two members`, () => {
      checking(listOf(one, other))();
      expect(canonicalUri(unescaped(one))).not.to.equal(canonicalUri(unescaped(other)));
    });
  }

  it('what has one canonical form is the same member', () => {
    const alike = memberCases.same.filter(([, , one, other]) => !(one + other).includes('newparam'));
    for (const [, title, one, other] of alike) {
      expect(canonicalUri(unescaped(one)), title).to.equal(canonicalUri(unescaped(other)));
    }
  });

  it('one address in more than sixteen ways is refused, so that a list costs no more than its length', () => {
    const uris = Array.from({ length: 17 }, (_, index) => `sip:u@police.example;id=${index}`);
    checking(listOf(...uris.slice(1)))();
    expect(checking(listOf(...uris))).to.throw(ConstraintFailure, 'entry[17]/@uri');
  });
});

describe('A member that no user can be', () => {
  for (const [title, uri, says] of memberCases.refused) {
    it(`${title}: refused, with the entry named`, () => {
      expect(checking(listOf('sip:z@police.example', uri)))
        .to.throw(ConstraintFailure, 'group/list-service/list/entry[2]/@uri')
        .with.property('message')
        .that.includes(says);
    });
  }

  it('is refused by its MCVideo and MCData IDs too', () => {
    for (const name of ['mcvideo-mcvideo-id', 'mcdata-mcdata-id']) {
      const entry = `<entry uri="sip:a@police.example"><mcpttgi:${name} uri="sip:a b@police.example"/></entry>`;
      expect(checking(`<list>${entry}</list>`)).to.throw(ConstraintFailure, `entry[1]/${name}/@uri`);
    }
  });

  it('of more characters than an identity has is refused', () => {
    const uri = (length: number): string => `sip:${'a'.repeat(length - 19)}@police.example`;
    checking(listOf(uri(1024)))();
    expect(checking(listOf(uri(1025)))).to.throw(ConstraintFailure, '1024 characters');
  });

  for (const [title, uri, says] of memberCases.remarked) {
    it(`${title}: remarked on, the first of its kind`, () => {
      checking(listOf('sip:z@police.example', uri))();
      const remarks = remarksOnMembers(group(listOf('sip:z@police.example', uri, `${uri}0`)));
      expect(remarks).to.have.length(1);
      expect(remarks[0]).to.include('entry[2]/@uri').and.include(says);
    });
  }

  it('ordinary members are not remarked on', () => {
    const uris = ['sip:a@police.example', 'tel:+15550100', 'tel:7;phone-context=a.example'];
    expect(remarksOnMembers(group(listOf(...uris)))).to.deep.equal([]);
  });
});
