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

/** Keeps the first errors and forgets all others. */
class FirstErrors extends Array<ErrorDetail> {
  // What `map` and the like return holds something else and is an array like any other.
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  override push(...details: ErrorDetail[]): number {
    return this.length < mostErrors ? super.push(...details) : this.length;
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
  const message = XmlErrorStruct.message;
  XmlErrorStruct.message = (pointer): string => {
    const isFull = collected !== undefined && collected.length >= mostErrors;
    return isFull ? '' : message(pointer);
  };
  // Without a node there is no path.
  XmlErrorStruct.node = (): number => 0;
}

boundErrors();
