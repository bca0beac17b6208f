import type { IPropertyWithHooks } from 'fast-check';

/** A property that is tried with a few random cases in every test run, and with very many on demand. */
export interface Target {
  readonly title: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- properties of any arguments are run alike
  readonly property: IPropertyWithHooks<any>;
}
