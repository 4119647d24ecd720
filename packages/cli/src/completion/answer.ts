import { writeOut } from '../output/print.ts';
import { escape } from '../output/terminal.ts';
import { complete } from './candidates.ts';
import { homeNames } from './names.ts';
import { isShell } from './shells.ts';
import { unquote } from './unquote.ts';

/**
 * `mcp __complete SHELL [WORD...]`, for the scripts of `mcp completion`: the last word is the one to
 * complete. The first line of the answer says what the shell adds where there is nothing else: `files`,
 * `folders` or `none`. Each further line is a word, and but for bash a tab and what it is.
 *
 * Whatever is wrong, it says nothing and ends with 0: a person is in the middle of typing.
 */
export async function answerCompletion(argv: readonly string[]): Promise<number> {
  const [shell = '', ...words] = argv;
  if (!isShell(shell)) return 0;
  try {
    const typed = shell === 'bash' ? words.map(unquote) : words;
    const current = typed.at(-1) ?? '';
    const { candidates, files } = await complete(
      typed.slice(0, -1),
      current,
      homeNames(process.env),
    );
    const lines = candidates.map(({ word, about }) =>
      shell === 'bash' || about === undefined ? word : `${word}\t${shortened(about)}`,
    );
    writeOut([files, ...lines, ''].join('\n'), 'result');
  } catch {
    // A home that cannot be located, say: the command itself tells it.
  }
  return 0;
}

/** One line beside the word. What others wrote may be in it. */
function shortened(about: string): string {
  const characters = Array.from(escape(about));
  return characters.length <= 70 ? characters.join('') : `${characters.slice(0, 69).join('')}…`;
}
