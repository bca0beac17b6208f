import { expect } from 'chai';
import { BadRequest, NotImplemented } from '../../../src/base/refusals.js';
import { readGroupOperation } from '../../../src/groups/gmop.js';
import { schemas } from '../../support/schemas.js';
import { limits } from '../../support/limits.js';

describe('TS 24.481 7.3: group management operations', () => {
  const read = (text: string): string => readGroupOperation(Buffer.from(text), schemas(), limits);
  const inDocument = (content: string): string =>
    `<document xmlns="urn:3gpp:ns:mcpttGMOP:1.0">${content}</document>`;

  it('get-excluding-memberlist is offered, under any prefix and with comments', () => {
    expect(read(inDocument('<request><get-excluding-memberlist/></request>'))).to.equal(
      'get-excluding-memberlist',
    );
    expect(
      read(
        '<g:document xmlns:g="urn:3gpp:ns:mcpttGMOP:1.0"><g:request><!-- --><g:get-excluding-memberlist/></g:request></g:document>',
      ),
    ).to.equal('get-excluding-memberlist');
  });

  for (const content of [
    '<request><group-regroup-creation/></request>',
    '<request><v:x xmlns:v="urn:v"/></request>',
  ]) {
    it(`${content} is not offered`, () => {
      expect(() => read(inDocument(content))).to.throw(NotImplemented);
    });
  }

  for (const body of [
    '',
    'no XML',
    '<document/>',
    '<!DOCTYPE document><document xmlns="urn:3gpp:ns:mcpttGMOP:1.0"><request><get-excluding-memberlist/></request></document>',
    inDocument(''),
    inDocument('<request/>'),
    inDocument('<response><get-excluding-memberlist/></response>'),
    inDocument('<request><get-excluding-memberlist>x</get-excluding-memberlist></request>'),
    inDocument('<request><get-excluding-memberlist/><get-excluding-memberlist/></request>'),
    inDocument('<request><get-excluding-memberlist/></request><request/>'),
  ]) {
    it(`${JSON.stringify(body)} is no request`, () => {
      expect(() => read(body)).to.throw(BadRequest);
    });
  }
});
