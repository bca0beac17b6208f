import { XmlErrorStruct, error, type ErrorDetail } from 'libxml2-wasm/lib/libxml2.mjs';

/**
 * What the engine tells of the errors of one text is bounded. A refusal names one error, while libxml2 goes on
 * to the end and may find one in each element, and its binding would make three things of each: a text, a path
 * (which counts the siblings in front and so takes quadratic time), and a place in the text of all of them.
 *
 * Subtle: neither libxml2 nor its binding can be told to stop at the first error, and an exception thrown out of
 * its call would leave the engine's stack and memory as they are. So the parts of the binding that collect errors
 * are replaced here, once, for the whole process. They are not part of what it promises: its version is
 * fixed, and tests hold that errors are still told and that the time that they take is linear.
 */

/** How many errors of one text are told. */
const mostErrors = 3;

/** The level of a remark that is no error. */
const warning = 1;

/**
 * The engine's number for a namespace name that is no URI (XML_WAR_NS_URI), which it counts as an error. Namespaces
 * in XML 1.0 has no such constraint: a namespace name is a name, compared character by character (clause 2.3).
 */
const namespaceNameIsNoUri = 99;

/** Keeps the first errors and forgets all others, and warnings, which would take their places. */
class FirstErrors extends Array<ErrorDetail> {
  // What `map` and the like return holds something else and is an array like any other.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  override push(...details: ErrorDetail[]): number {
    const errors = details.filter(({ level }) => level > warning);
    return this.length < mostErrors ? super.push(...errors) : this.length;
  }
}

/** The errors of the text that is worked on, where any are collected: an XPath expression has one, told at once. */
let collected: FirstErrors | undefined;

/** From now on, for the whole process. */
function boundErrors(): void {
  const { storage } = error;
  const allocate = storage.allocate.bind(storage);
  storage.allocate = (): number => {
    collected = new FirstErrors();
    return allocate(collected);
  };
  const free = storage.free.bind(storage);
  storage.free = (index): void => {
    collected = undefined;
    free(index);
  };
  const { level, message } = XmlErrorStruct;
  // The number of the error stands 8 octets in front of its level.
  const number = (pointer: number): number => level(pointer - 8);
  XmlErrorStruct.level = (pointer): number =>
    number(pointer) === namespaceNameIsNoUri ? warning : level(pointer);
  XmlErrorStruct.message = (pointer): string => {
    const isFull = collected !== undefined && collected.length >= mostErrors;
    return isFull || XmlErrorStruct.level(pointer) <= warning ? '' : message(pointer);
  };
  // Without a node there is no path.
  XmlErrorStruct.node = (): number => 0;
}

boundErrors();
