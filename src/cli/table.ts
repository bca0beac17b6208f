/** Text for a terminal out of values that come from elsewhere. */

/** `text` on one line, with nothing that a terminal would act on. */
export function visible(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/\p{Cc}|\p{Cf}/gu, '\uFFFD');
}

/** Rows below headings, in columns; what is empty shows as a hyphen. Columns that are empty in every row are left out. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const columns = headings
    .map((heading, index) => {
      const cells = rows.map((row) => visible(row[index] ?? ''));
      return { heading, cells, used: index === 0 || cells.some((cell) => cell !== '') };
    })
    .filter(({ used }) => used)
    .map(({ heading, cells }) => {
      const lines = [heading, ...cells.map((cell) => (cell === '' ? '-' : cell))];
      const width = Math.max(...lines.map(widthOf));
      return lines.map((line) => line + ' '.repeat(width - widthOf(line)));
    });
  return [headings, ...rows]
    .map(
      (_row, index) =>
        `${columns
          .map((cells) => cells[index])
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function widthOf(text: string): number {
  return Array.from(text).length;
}
