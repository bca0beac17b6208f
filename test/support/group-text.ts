import { fixture } from './fixtures.js';

export interface GroupChanges {
  readonly id?: string;
  readonly name?: string;
  readonly priority?: number;
  /** MC service IDs of all members. */
  readonly members?: readonly string[];
}

function replaced(text: string, part: RegExp, by: string): string {
  if (!part.test(text)) throw new Error(`the fixture has no ${part.source}`);
  return text.replace(part, () => by);
}

/** The group of `fixtures/interconnection/joint.xml`, with these changes and no others. */
export function groupText({ id, name, priority, members }: GroupChanges = {}): string {
  let text = fixture('interconnection/joint.xml');
  if (id !== undefined) text = replaced(text, /(?<=list-service uri=")[^"]*/, id);
  if (name !== undefined) text = replaced(text, /(?<=<display-name xml:lang="en">)[^<]*/, name);
  if (priority !== undefined) text = replaced(text, /(?<=group-priority>)\d+/, String(priority));
  if (members !== undefined) {
    const entries = members.map((uri) => `<entry uri="${uri}"/>`).join('');
    text = replaced(text, /(?<=<list>)[^]*(?=<\/list>)/, entries);
  }
  return text;
}
