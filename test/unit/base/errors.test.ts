import { expect } from 'chai';
import { ConfigurationError, describeError } from '../../../src/base/errors.js';

describe('Errors', () => {
  it('carry the name of their class, and are described whatever was thrown', () => {
    const error = new ConfigurationError('no such option');
    expect(error.name).to.equal('ConfigurationError');
    expect(describeError(error)).to.equal('no such option');
    expect(describeError('text')).to.equal('text');
    expect(describeError(undefined)).to.equal('undefined');
  });
});
