import { expect } from 'chai';
import { InsufficientStorage, ServiceUnavailable } from '../../../src/base/refusals.js';
import { storageRefusal } from '../../../src/documents/storage-refusal.js';
import { StoreFailure } from '../../../src/store/store.js';

describe('A failure of the store in the words of HTTP', () => {
  it('is 507 where the medium is full, else 503 with Retry-After', () => {
    const full = storageRefusal(new StoreFailure('ENOSPC: /var/lib/gms', { full: true }));
    expect(full).to.be.instanceOf(InsufficientStorage);
    const broken = storageRefusal(new StoreFailure('EIO: /var/lib/gms'));
    expect(broken).to.be.instanceOf(ServiceUnavailable);
    expect(broken.headers).to.have.property('Retry-After');
    for (const refusal of [full, broken]) expect(refusal.phrase).not.to.include('/var/lib');
  });
});
