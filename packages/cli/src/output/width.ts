/**
 * Columns that a text takes on a terminal. It is for text that has passed `escape`: characters that nobody
 * sees stand as letters there. Those of which terminals differ (ambiguous width) count as one.
 */
export function widthOf(text: string): number {
  if (asciiOnly.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

const asciiOnly = /^[\u0020-\u007e]*$/u;

/** East Asian Wide and Fullwidth, of Unicode's EastAsianWidth.txt, in blocks. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2fb}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const none = /[\p{Mn}\p{Me}]/u;

export function widthOfCharacter(character: string): number {
  if (character.charCodeAt(0) < 0x80) return 1;
  if (none.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** The text in at most so many columns, with `…` for what its middle held. */
export function middleCut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  const room = Math.max(columns - 1, 0);
  const characters = Array.from(text);
  const head = takeWhile(characters, Math.ceil(room / 2));
  const tail = takeWhile(characters.slice(head.length).toReversed(), room - widthOf(head.join('')));
  return `${head.join('')}…${tail.toReversed().join('')}`;
}

function takeWhile(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let left = columns;
  for (const character of characters) {
    left -= widthOfCharacter(character);
    if (left < 0) break;
    taken.push(character);
  }
  return taken;
}
