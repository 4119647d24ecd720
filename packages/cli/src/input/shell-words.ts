import { BrokerError } from '@mcp-broker/daemon/protocol';

/** What a shell would act on. Without one it would be taken literally, which nobody means. */
const acts: Readonly<Record<string, string>> = {
  '|': 'a pipe',
  ';': 'a second command',
  '&': 'a second command',
  '<': 'a redirection',
  '>': 'a redirection',
  '(': 'a subshell',
  ')': 'a subshell',
  '`': 'a command substitution',
  $: 'an expansion',
};

/**
 * Splits a command line into words as a POSIX shell does: blanks, both kinds of quotes, backslashes. Nothing
 * is expanded, and what only a shell could do is refused: `ERR_USAGE`, and the hint says how to get one.
 * The text itself is not repeated.
 */
export function shellWords(text: string, what: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote === "'") {
      if (char === "'") quote = undefined;
      else word = `${word}${char}`;
    } else if (char === '\\') {
      const next = text.charAt(at + 1);
      if (next === '') throw unreadable(what, 'ends with a backslash');
      at += 1;
      // In double quotes it stands for itself, but before what has a meaning there.
      const isLiteral = quote === '"' && !'$`"\\\n'.includes(next);
      if (next !== '\n') word = `${word ?? ''}${isLiteral ? char : ''}${next}`;
    } else if (quote === '"') {
      if (char === '"') quote = undefined;
      else if (char === '$' || char === '`') throw needsShell(what, acts[char] ?? '');
      else word = `${word}${char}`;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/[ \t\r\n]/u.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      const act = acts[char] ?? (char === '~' && word === undefined ? 'an expansion' : undefined);
      if (act !== undefined) throw needsShell(what, act);
      word = `${word ?? ''}${char}`;
    }
  }
  if (quote !== undefined) throw unreadable(what, `has a ${quote} without its end`);
  if (word !== undefined) words.push(word);
  return words;
}

function unreadable(what: string, problem: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${what} ${problem}`, {
    hint: 'quote it as for a shell: words with blanks in single quotes',
  });
}

function needsShell(what: string, act: string): BrokerError {
  return new BrokerError('ERR_USAGE', `${what} has ${act} in it, and is run without a shell`, {
    hint: 'write it into a script and name that by its whole path, or quote it if it is meant literally',
  });
}
