import { describe, expect, test } from 'vitest';
import { hasReference } from '../reference.ts';
import {
  likeAnyOther,
  likeClaudeCode,
  likeCode,
  likeCursor,
  likeGemini,
  likeWindsurf,
  literally,
  type Expand,
  type Place,
  type Surroundings,
} from './expand.ts';
import { failure } from './fixture.ts';

const environment: Readonly<Record<string, string>> = {
  SET: 'value',
  EMPTY: '',
  DOLLARS: 'a$b',
  PRICE: '5 $ and $1',
  ESCAPED: String.raw`\$`,
  OURS: '$<TOKEN>',
  constructor: 'odd name',
};
const at: Surroundings = {
  workspace: '/work/project',
  home: '/home/me',
  entry: 'server x of FILE',
  valueOf: (name) =>
    Object.hasOwn(environment, name) ? Buffer.from(environment[name] ?? '') : undefined,
};

/** What the client puts in stands in braces, or as it is where it is no variable; the rest is `raw`. */
function shown(expand: Expand, text: string, place: Place): string {
  return expand(text, at, place)
    .map((piece) => {
      if (piece.kind === 'raw') return piece.text;
      return piece.kind === 'fixed' ? `[${piece.text}]` : `{${piece.name}}`;
    })
    .join('');
}

const clients = { likeClaudeCode, likeCode, likeCursor, likeWindsurf, likeGemini, likeAnyOther };

describe('a text is what its client makes of it', () => {
  test.each<
    [client: keyof typeof clients, text: string, inEnvironment: string, elsewhere?: string]
  >([
    ['likeClaudeCode', 'a ${SET} b', 'a {SET} b'],
    ['likeClaudeCode', '$SET', '$SET'],
    ['likeClaudeCode', '${EMPTY:-d}', '{EMPTY}'],
    ['likeClaudeCode', '${NOT}', '${NOT}'],
    ['likeClaudeCode', '${NOT:-d}', '${NOT:-d}', '[d]'],
    ['likeClaudeCode', '${NOT:-}', '${NOT:-}', ''],
    ['likeClaudeCode', '${not.ours:-d}', '[d]'],
    ['likeClaudeCode', '${constructor}', '{constructor}'],
    ['likeClaudeCode', '${toString}', '${toString}'],
    ['likeClaudeCode', '${SET', '${SET'],
    ['likeClaudeCode', '$<TOKEN>${SET}', '$<TOKEN>{SET}'],

    ['likeCode', '${env:SET}|${env:NOT}|${NOT}', '{SET}||${NOT}'],
    ['likeCode', '${workspaceFolder}${/}${userHome}', '[/work/project][/][/home/me]'],
    ['likeCode', '${workspaceFolderBasename} ${cwd}', '[project] [/work/project]'],

    ['likeCursor', '${env:SET}${pathSeparator}${SET}', '{SET}[/]${SET}'],
    ['likeWindsurf', '${env:SET} ${userHome}', '{SET} ${userHome}'],
    ['likeAnyOther', '${TOKEN} $SET', '${TOKEN} $SET'],

    ['likeGemini', '$SET ${SET} ${SET:-d}', '{SET} {SET} {SET}'],
    ['likeGemini', '${NOT:-d}', '${NOT:-d}', '[d]'],
    ['likeGemini', '$NOT', '', '$NOT'],
    ['likeGemini', '${NOT}', '${NOT}'],
    ['likeGemini', '$1 costs $$', '$1 costs $$'],
    ['likeGemini', 'pa$$w0rd', 'pa$', 'pa$$w0rd'],
    ['likeGemini', String.raw`\$NOT`, '[$NOT]', String.raw`\$NOT`],
    ['likeGemini', String.raw`\${NOT}`, '[${NOT}]', String.raw`\${NOT}`],
    ['likeGemini', String.raw`\$SET`, String.raw`[\]{SET}`, String.raw`\{SET}`],
    ['likeGemini', String.raw`5 \$`, '5 [$]', String.raw`5 \$`],
    ['likeGemini', '$PRICE$OURS', '{PRICE}{OURS}'],
    ['likeGemini', '${sealed:some/path#field}', '${sealed:some/path#field}'],
  ])('%s: %s', (client, text, inEnvironment, elsewhere = inEnvironment) => {
    const expand = clients[client];
    expect(shown(expand, text, 'environment')).toBe(inEnvironment);
    expect(shown(expand, text, 'elsewhere')).toBe(elsewhere);
  });

  test.each([...Object.entries(clients), ['literally', literally] as const])(
    '%s leaves a reference of ours, and what is no variable, as it stands',
    (_client, expand) => {
      const text = 'Bearer $<TOKEN> $<vault:a/b#c> 100% $ { } \\ ~ "';
      for (const place of ['environment', 'elsewhere'] as const) {
        expect(expand(text, at, place)).toEqual([{ kind: 'raw', text }]);
      }
      expect(hasReference(text, 'both')).toBe(true);
    },
  );
});

describe('what only its client can know is refused, with what to write instead', () => {
  test.each<[client: keyof typeof clients, texts: string]>([
    ['likeCode', '${input:token} ${command:x.y} ${config:a.b} ${workspaceFolder:other} ${env:}'],
    ['likeCode', '${file} ${relativeFileDirname} ${selectedText} ${lineNumber} ${execPath}'],
    ['likeCursor', '${env:NOT} ${input:token} ${command:x}'],
    ['likeWindsurf', '${env:NOT} ${file:/run/token} ${input:token}'],
    ['likeAnyOther', '${env:SET} ${env:NOT} ${input:token} ${file:/run/token} ${config:a}'],
  ])('%s: %s', (client, texts) => {
    for (const text of texts.split(' ')) {
      const error = failure(() => clients[client](`a ${text}`, at, 'environment'));
      expect(error.message).toMatch(/^server x of FILE: \$\{/u);
      expect(error).toMatchObject({
        code: 'ERR_CONFIG',
        hint: expect.stringMatching(/\$<\w+>.*mcp secret set \w+/u) as string,
      });
    }
  });

  test.each(['$DOLLARS', '${DOLLARS}', '${ESCAPED}'])(
    'Gemini would read the value of %s again',
    (text) => {
      const error = failure(() => likeGemini(text, at, 'environment'));
      expect(error.message).toMatch(/(?:DOLLARS|ESCAPED) holds a \$ that Gemini would replace$/u);
      expect(error.message + (error.hint ?? '')).not.toContain('a$b');
      expect(shown(likeGemini, text, 'elsewhere')).toMatch(/^\{/u);
    },
  );
});

// A text of a file that a project brings along: were the work to grow with the square, these would take hours.
test.each<[what: string, text: string]>([
  ['that nothing closes', '${'.repeat(200_000)],
  ['with defaults that nothing closes', '${a:-'.repeat(200_000)],
  ['that are all closed', '${a:-b}'.repeat(20_000)],
  ['with many a separator', `\${a${':-'.repeat(200_000)}}`],
])('many braces %s holds nobody up', (_what, text) => {
  for (const expand of [likeClaudeCode, likeGemini, likeCode, likeWindsurf]) {
    const pieces = expand(text, at, 'environment');
    expect(pieces.map((piece) => piece.text).join('') === text).toBe(true);
  }
});

test('what nothing closes keeps nothing behind it from being read', () => {
  expect(shown(likeGemini, '${SET} ${SET $SET ${', 'environment')).toBe('{SET} ${SET {SET} ${');
  expect(shown(likeGemini, String.raw`\${SET $SET`, 'environment')).toBe('[$]{SET {SET}');
  expect(shown(likeClaudeCode, '$${SET ${', 'environment')).toBe('$${SET ${');
});
