/**
 * The root of every error that this server raises on purpose. `message` is for the log and the
 * operator; what a client may read is decided where the error is mapped to a response.
 */
export abstract class GmsError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** A fault of the installation or its configuration: reported once at start, with exit code 78 (EX_CONFIG). */
export class ConfigurationError extends GmsError {}

/** What an unknown thrown value says, for a log line. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
