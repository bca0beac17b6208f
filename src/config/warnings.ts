/**
 * Warnings: what is lawful in a configuration, but hardly meant so.
 *
 * Subtle: they go the way of mistakes, as issues of the parser, which know their place. But an issue that says
 * `continue` keeps nothing from being read, and one that says `warning` is no mistake (table.ts).
 */

export interface Warning {
  readonly code: 'custom';
  readonly message: string;
  readonly continue: true;
  readonly params: { readonly warning: true };
}

/** An issue that says `message`. */
export function warning(message: string): Warning {
  return { code: 'custom', message, continue: true, params: { warning: true } };
}

/** Whether an issue is a warning. */
export function isWarning(issue: { readonly code?: string | undefined }): boolean {
  const { params } = issue as { readonly params?: Readonly<Record<string, unknown>> | undefined };
  return params?.['warning'] === true;
}
