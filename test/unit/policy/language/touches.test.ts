import { expect } from 'chai';
import { PolicyInvalid } from '../../../../src/policy/language/errors.js';
import { policyText, accepted } from '../policy-fixtures.js';

/** What a policy of one template is refused with, or undefined. */
function refusalOf(match: string, action: string, attributes = ''): string | undefined {
  try {
    accepted(policyText(`<template id="t" match="${match}"${attributes}>${action}</template>`));
    return undefined;
  } catch (error) {
    if (error instanceof PolicyInvalid) return error.message;
    throw error;
  }
}

const word = ' protected="override"';
const services = 'ls:list-service/oxe:supported-services';

describe('A policy that touches a protected part wherever it matches (design D8)', () => {
  for (const [match, action] of [
    [services, '<remove/>'],
    [`${services}/oxe:service`, '<remove/>'],
    [`${services}/*/@enabler`, '<set value="x"/>'],
    [`${services}//*[@enabler]`, '<remove/>'],
    [`${services}/oxe:service/following-sibling::oxe:service`, '<remove/>'],
    [`${services}/oxe:service/.`, '<remove/>'],
    [`${services}/oxe:service/self::*`, '<remove/>'],
    [`(${services})[1]/*`, '<remove/>'],
    [`//ls:entry | ${services}/*`, '<remove/>'],
    [`//* | ${services}`, '<remove/>'],
    [`${services}/oxe:service`, '<insert place="before"><oxe:service/></insert>'],
    ['ls:list-service/*[1]/self::oxe:supported-services', '<remove/>'],
    ['ls:list-service', '<keep select="oxe:supported-services" test="false()"/>'],
  ] as const) {
    it(`is refused without the word, and taken with it: ${match} ${action}`, () => {
      expect(refusalOf(match, action)).to.match(
        /^template t: oxe:supported-services is protected; .*protected="override"/,
      );
      expect(refusalOf(match, action, word)).to.equal(undefined);
    });
  }

  for (const [match, action] of [
    ['ls:list-service/@uri', '<set value="sip:x@b.example"/>'],
    ['//ls:list-service/@uri', '<remove/>'],
    ['/ls:group/ls:list-service', '<remove/>'],
    ['ls:list-service', '<replace><ls:list/></replace>'],
    ['/ls:group', '<set value=""/>'],
    ['ls:group', '<remove/>'],
    ['ls:group', '<keep select="ls:list-service" test="false()"/>'],
  ] as const) {
    it(`is refused with the word as without it where it is the group ID: ${match} ${action}`, () => {
      const says = 'template t: the MC service group ID is never changed';
      expect(refusalOf(match, action)).to.equal(says);
      expect(refusalOf(match, action, word)).to.equal(says);
    });
  }

  for (const [match, action] of [
    ['ls:list-service/*', '<set value="false"/>'],
    ['//@uri', '<remove/>'],
    ['//ls:entry/@uri', '<remove/>'],
    ['//@enabler', '<remove/>'],
    [`${services}/..`, '<insert place="last"><mcpttgi:owner>x</mcpttgi:owner></insert>'],
    [`${services}/following-sibling::mcpttgi:owner`, '<remove/>'],
    [`${services}/following::mcpttgi:owner`, '<remove/>'],
    [`${services}/*/ancestor::ls:list-service/mcpttgi:owner`, '<remove/>'],
    [services, '<insert place="after"><mcpttgi:owner>x</mcpttgi:owner></insert>'],
    ['ls:list-service', '<keep select="*" test="true()"/>'],
    ['ls:list-service', '<insert place="last"><mcpttgi:owner>x</mcpttgi:owner></insert>'],
    ['//ls:list-service[oxe:supported-services]/mcpttgi:owner', '<remove/>'],
  ] as const) {
    it(`is taken where only documents can tell, or it touches nothing of the kind: ${match} ${action}`, () => {
      expect(refusalOf(match, action)).to.equal(undefined);
    });
  }
});
