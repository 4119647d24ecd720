import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

import { shellWords } from './shell-words.ts';

describe('a command line is split', () => {
  test.each<[line: string, words: readonly string[]]>([
    ['pass show mcp/{name}', ['pass', 'show', 'mcp/{name}']],
    ['  a\t b\nc  ', ['a', 'b', 'c']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a'b'"c"d`, ['abcd']],
    [`'' ""`, ['', '']],
    [String.raw`a\ b \\ \'`, ['a b', '\\', "'"]],
    [String.raw`"a\"b \\ \n \$c"`, ['a"b \\ \\n $c']],
    [String.raw`'a\b'`, [String.raw`a\b`]],
    ['a\\\nb', ['ab']],
    ['"a\\\nb"', ['ab']],
    [`'$HOME | > ~ \`x\`'`, ['$HOME | > ~ `x`']],
    ['--format=value a=~b #c *.d ?', ['--format=value', 'a=~b', '#c', '*.d', '?']],
    ['', []],
  ])('%j into %j', (line, words) => {
    expect(shellWords(line, '--get')).toEqual(words);
  });

  test.each([`a 'b c' "d e"`, String.raw`a\ b "c\"\\\$d" 'e\f'g`, 'a\\\nb', `''x"" ''`])(
    'as sh does it: %j',
    (line) => {
      const { stdout } = spawnSync('sh', ['-c', String.raw`printf '%s\0' ` + line]);
      expect(shellWords(line, '--get')).toEqual(stdout.toString().split('\0').slice(0, -1));
    },
  );
});

describe('what only a shell could do is refused, and not repeated', () => {
  test.each([
    ['hunter2 | head', 'a pipe'],
    ['hunter2; b', 'a second command'],
    ['hunter2 && b', 'a second command'],
    ['hunter2 > b', 'a redirection'],
    ['hunter2 $(b)', 'an expansion'],
    ['hunter2 "$b"', 'an expansion'],
    ['hunter2 "`b`"', 'a command substitution'],
    ['~/hunter2', 'an expansion'],
    ["hunter2 'b", "has a ' without its end"],
    ['hunter2 "b', 'has a " without its end'],
    ['hunter2 \\', 'ends with a backslash'],
  ])('%s', (line, says) => {
    let message = '';
    try {
      shellWords(line, '--get');
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain(says);
    expect(message).not.toContain('hunter2');
  });
});
