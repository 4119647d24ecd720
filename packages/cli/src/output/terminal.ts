/**
 * Text that someone else wrote, made safe for a terminal: every character that moves the cursor, hides,
 * reorders or cannot be seen stands as a visible escape. Nothing is cut, and no two texts look alike
 * for the sake of one such character.
 */
export function escape(text: string): string {
  return text.replace(unsafe(), visible);
}

/** As `escape`, between double quotes, so that spaces at the ends and an empty text can be seen. */
export function quote(text: string): string {
  return `"${escape(text).replaceAll('"', '\\"')}"`;
}

/**
 * A value as JSON for a program, which a terminal does not act on when it is shown there: what `escape`
 * would make visible stands as an escape of JSON, so that it reads back as it was.
 */
export function json(value: unknown, indent?: number): string {
  // A line feed can only be one between members; the backslashes are those of JSON.
  return JSON.stringify(value, undefined, indent).replace(unsafe(), (character) =>
    character === '\n' || character === '\\' ? character : escapedUnits(character),
  );
}

function escapedUnits(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
  }).join('');
}

/**
 * Controls (C0, DEL, C1), formats (bidi, zero width, tags), lone surrogates, private use, unassigned,
 * line and paragraph separators, spaces other than the plain one, what Unicode says to ignore, and
 * the backslash, which would make an escape and its imitation look the same.
 *
 * Read when it is needed: its Unicode classes take most of a millisecond, which a launch need not spend.
 */
function unsafe(): RegExp {
  return /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\]|(?! )\p{Zs}/gu;
}

const named: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\u001b': '\\e',
};

function visible(character: string): string {
  const name = named[character];
  if (name !== undefined) return name;
  const point = character.codePointAt(0) ?? 0;
  if (point <= 0xff) return `\\x${point.toString(16).padStart(2, '0')}`;
  return `\\u{${point.toString(16)}}`;
}
