import type { ScanLimits } from '../../src/xml/scan.js';

/** What one text may hold, as a server is configured unless told otherwise. */
export const limits: ScanLimits = { depth: 64, attributes: 256, namespaces: 64, elements: 50_000 };
