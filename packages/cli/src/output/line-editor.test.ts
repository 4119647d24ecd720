import { describe, expect, test } from 'vitest';

import { createLineEditor, maxLine, type Progress } from './line-editor.ts';

function type(keys: string): { line: string; progress: Progress } {
  const editor = createLineEditor();
  let progress: Progress = 'more';
  for (const byte of Buffer.from(keys)) {
    progress = editor.push(byte);
    if (progress !== 'more') break;
  }
  return { line: editor.take().toString(), progress };
}

describe('a line that is typed', () => {
  test.each<[what: string, keys: string, line: string, progress: Progress]>([
    ['ends at Enter', 'abc\r', 'abc', 'done'],
    ['ends at a line feed', 'abc\n', 'abc', 'done'],
    ['may be empty', '\r', '', 'done'],
    ['loses its last character to backspace', 'abx\u007fc\r', 'abc', 'done'],
    ['loses a character of several bytes whole', 'aä🙂\b\bb\r', 'ab', 'done'],
    ['has nothing to lose at its beginning', '\u007f\u007fa\r', 'a', 'done'],
    ['is emptied by Ctrl-U', 'wrong\u0015right\r', 'right', 'done'],
    ['is given up by Ctrl-C', 'abc\u0003', 'abc', 'interrupted'],
    ['ends by Ctrl-D when it is empty', '\u0004', '', 'ended'],
    ['goes on after Ctrl-D when it is not', 'a\u0004b\r', 'ab', 'done'],
    ['does not contain the arrow keys', 'a\u001b[D\u001b[1;5C\u001bOPb\r', 'ab', 'done'],
    ['does not contain Alt with a key', 'a\u001bxb\r', 'ab', 'done'],
    ['does not contain other controls', 'a\u0001\u001a\tb\r', 'ab', 'done'],
  ])('%s', (_what, keys, line, progress) => {
    expect(type(keys)).toEqual({ line, progress });
  });

  test('is full at 64 KiB', () => {
    expect(type('x'.repeat(maxLine)).progress).toBe('more');
    expect(type('x'.repeat(maxLine + 1)).progress).toBe('full');
  });
});

function pasted(text: string): string {
  return `\u001b[200~${text}\u001b[201~\r`;
}

describe('a line that is pasted', () => {
  test('keeps its line feeds, however the terminal writes them', () => {
    expect(type(pasted('one\rtwo\r\nthree\nfour')).line).toBe('one\ntwo\nthree\nfour');
  });

  test('does not keep those at its end, which a selection brings along', () => {
    expect(type(pasted('token\r\r')).line).toBe('token');
  });

  test('is not given up or edited by what it contains', () => {
    expect(type(pasted('a\u0003\u0004\u007f\u0015b'))).toEqual({
      line: 'a\u007fb',
      progress: 'done',
    });
  });
});

test('wiping leaves nothing to take', () => {
  const editor = createLineEditor();
  for (const byte of Buffer.from('secret')) editor.push(byte);
  editor.wipe();
  expect(editor.take()).toHaveLength(0);
  expect(editor.length).toBe(0);
});
