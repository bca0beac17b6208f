import { XmlRefused } from './refusal.js';
import { scanXml, type ScanLimits } from './scan.js';
import type { LocatedElement } from './tree.js';

/**
 * The gate (design D13): what a text from outside must pass before any parser sees it. Strict UTF-8,
 * no control characters, XML 1.0, no document type declaration, nothing beyond the limits.
 * The size of the bytes is bounded where they are read.
 */

/** A text that passed the gate, with the tree of its nodes' places. Not yet known to be well-formed. */
export interface GatedText {
  readonly text: string;
  readonly tree: LocatedElement;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// eslint-disable-next-line no-control-regex -- these are the characters that XML 1.0 forbids (clause 2.2)
const forbiddenCharacter = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;

const declaration = /^\uFEFF?<\?xml\s([^?]*(?:\?(?!>)[^?]*)*)\?>/;

/** `bytes` as text. @throws XmlRefused `not-utf-8` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new XmlRefused('not-utf-8', 'the body is not valid UTF-8');
  }
}

/** The encoding that the XML declaration of `text` names, in lower case. */
function encodingOf(text: string): string | undefined {
  const content = declaration.exec(text)?.[1];
  return /\sencoding\s*=\s*["']([^"']*)["']/.exec(` ${content ?? ''}`)?.[1]?.toLowerCase();
}

/** Whether `bytes` are US-ASCII. */
export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((octet) => octet < 0x80);
}

function checkDeclaration(text: string): void {
  const content = declaration.exec(text)?.[1];
  if (content === undefined) return;
  const encoding = encodingOf(text);
  if (encoding !== undefined && encoding !== 'utf-8' && encoding !== 'us-ascii') {
    throw new XmlRefused('not-utf-8', 'the XML declaration names an encoding other than UTF-8');
  }
  const version = /\sversion\s*=\s*["']([^"']*)["']/.exec(` ${content}`)?.[1];
  if (version !== '1.0') throw new XmlRefused('not-well-formed', 'only XML 1.0 is accepted');
}

/** `text` past the gate. @throws XmlRefused */
export function gateText(text: string, limits: ScanLimits): GatedText {
  const forbidden = forbiddenCharacter.exec(text);
  if (forbidden !== null) {
    const code = forbidden[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new XmlRefused('not-well-formed', `character U+${code} is not allowed in XML`);
  }
  checkDeclaration(text);
  return { text, tree: scanXml(text, limits) };
}

/** `bytes` past the gate. @throws XmlRefused */
export function gateBytes(bytes: Uint8Array, limits: ScanLimits): GatedText {
  const gated = gateText(decodeUtf8(bytes), limits);
  const content = gated.text.startsWith('\uFEFF') ? bytes.subarray(3) : bytes;
  if (encodingOf(gated.text) === 'us-ascii' && !isAscii(content)) {
    throw new XmlRefused(
      'not-utf-8',
      'the XML declaration names US-ASCII, and the body has other characters',
    );
  }
  return gated;
}
