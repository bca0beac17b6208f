/** The UTF-16 code units that readers of XML text look for, and white space (XML 1.0 production 3). */

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
export const SPACE = 0x20;
export const EXCLAMATION = 0x21;
export const QUOTE = 0x22;
export const AMPERSAND = 0x26;
export const APOSTROPHE = 0x27;
export const SLASH = 0x2f;
export const COLON = 0x3a;
export const EQUALS = 0x3d;
export const GREATER = 0x3e;
export const QUESTION = 0x3f;

export function isSpace(code: number): boolean {
  return code === SPACE || code === LF || code === TAB || code === CR;
}
