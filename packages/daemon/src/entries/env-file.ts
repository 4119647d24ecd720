/**
 * The variables of an `envFile`, as VS Code reads it: a line each, `NAME=value` or `NAME: value`, perhaps
 * after `export`; `#` begins a comment outside of quotes; `\n` and `\r` count in double quotes. A line
 * without a separator is passed over, and the last of two counts.
 */
export function readEnvFile(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r\n?|\n/)) {
    const trimmed = line.trim();
    if (trimmed.startsWith('#')) continue;
    const statement = trimmed.startsWith('export ') ? trimmed.slice(7).trim() : trimmed;
    const separator = indexOutsideQuotes(statement, /[=:]/);
    const name = statement.slice(0, Math.max(separator, 0)).trim();
    if (name !== '') variables.set(name, valueOf(statement.slice(separator + 1)));
  }
  return variables;
}

function valueOf(text: string): string {
  const trimmed = text.trim();
  const comment = indexOutsideQuotes(trimmed, /#/);
  const value = comment === -1 ? trimmed : trimmed.slice(0, comment).trim();
  const quote = value.length >= 2 && value.at(-1) === value[0] ? value[0] : undefined;
  if (quote === undefined || !`"'\``.includes(quote)) return value;
  const inner = value.slice(1, -1);
  return quote === '"' ? inner.replaceAll('\\n', '\n').replaceAll('\\r', '\r') : inner;
}

function indexOutsideQuotes(text: string, wanted: RegExp): number {
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== undefined) {
      if (character === quote && text[at - 1] !== '\\') quote = undefined;
    } else if (`"'\``.includes(character)) quote = character;
    else if (wanted.test(character)) return at;
  }
  return -1;
}
