import type { ScanLimits } from '../../src/xml/scan.js';

/** What a document may hold in tests that are not about it: the server's defaults. */
export const limits: ScanLimits = { depth: 64, attributes: 256, namespaces: 64, elements: 50_000 };
