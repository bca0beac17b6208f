import { createTwoFilesPatch } from 'diff';

/** What a terminal is shown of a received and an effective document. */

/** Colours of ECMA-48. */
export const colours = { bold: '1', red: '31', green: '32', yellow: '33', blue: '34', cyan: '36' } as const;

/** `text` in a colour, where the terminal shows colours. */
export function paint(text: string, colour: keyof typeof colours, shown: boolean): string {
  return shown ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
}

/**
 * The lines in which `effective` differs from `received`, as a patch; empty where they are the same.
 *
 * @param shown whether the terminal shows colours
 */
export function difference(received: string, effective: string, shown: boolean): string {
  if (received === effective) return '';
  const patch = createTwoFilesPatch('received', 'effective', received, effective, '', '', { context: 1 });
  return patch
    .split('\n')
    .slice(1)
    .map((line) => {
      if (line.startsWith('+')) return paint(line, 'green', shown);
      if (line.startsWith('-')) return paint(line, 'red', shown);
      return line.startsWith('@@') ? paint(line, 'cyan', shown) : line;
    })
    .join('\n');
}
