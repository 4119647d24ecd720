import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { readInherited, withoutOwnFolders } from './inherited.ts';

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

test('each variable is kept as the digest of its bytes, and what loads code as text too', () => {
  const attachment = Buffer.from(
    'NODE_OPTIONS=-r ./a=b.js\0HTTPS_PROXY=http://u:p@h\0LD_PRELOAD=\0',
  );
  expect(readInherited(attachment)).toEqual([
    { name: 'NODE_OPTIONS', digest: sha256('-r ./a=b.js'), value: '-r ./a=b.js' },
    { name: 'HTTPS_PROXY', digest: sha256('http://u:p@h') },
    { name: 'LD_PRELOAD', digest: sha256(''), value: '' },
  ]);
});

test('a value that is no text is kept as its digest alone', () => {
  const value = Buffer.from([0x2f, 0xff, 0xfe]);
  const attachment = Buffer.concat([Buffer.from('NODE_PATH='), value, Buffer.from([0])]);
  expect(readInherited(attachment)).toEqual([{ name: 'NODE_PATH', digest: sha256(value) }]);
});

test.each([undefined, new Uint8Array(0)])('nothing (%s) is no variable', (attachment) => {
  expect(readInherited(attachment)).toEqual([]);
});

test('only the bytes of the attachment are read, not the memory around it', () => {
  const memory = Buffer.from('xNODE_PATH=a\0LD_PRELOAD=b\0');
  expect(readInherited(memory.subarray(1, 13)).map(({ name }) => name)).toEqual(['NODE_PATH']);
});

test.each<[title: string, attachment: string | Buffer]>([
  ['without its last NUL', 'NODE_PATH=a'],
  ['without an equals sign', 'NODE_PATH\0'],
  ['whose equals sign is the next one’s', 'NODE_PATH\0LD_PRELOAD=a\0'],
  ['without a name', '=a\0'],
  ['that is empty', '\0'],
  ['that is given twice', 'NODE_PATH=a\0NODE_PATH=b\0'],
  ['that does not steer', 'GITHUB_TOKEN=a\0'],
  ['that is handled apart', 'PATH=/bin\0'],
  ['whose name is no text', Buffer.from([0x4c, 0x44, 0x5f, 0xff, 0x3d, 0x00])],
])('a variable %s is refused, and its value is not told', (_title, attachment) => {
  expect(() => readInherited(Buffer.from(attachment))).toThrow(
    expect.objectContaining({
      code: 'ERR_USAGE',
      message: expect.not.stringMatching(/=/) as string,
      hint: expect.any(String) as string,
    }),
  );
});

test('the folders of the user count where they are not their own', () => {
  const names = (text: string): string[] =>
    withoutOwnFolders(readInherited(Buffer.from(text)), '/home/ada').map(({ name }) => name);
  expect(
    names(
      'HOME=/home/ada\0XDG_DATA_HOME=/home/ada/.local/share\0XDG_CONFIG_HOME=/home/ada/.config\0XDG_CACHE_HOME=/home/ada/.cache\0',
    ),
  ).toEqual([]);
  expect(names('HOME=/srv/other\0XDG_DATA_HOME=/srv/other/share\0NODE_PATH=/home/ada\0')).toEqual([
    'HOME',
    'XDG_DATA_HOME',
    'NODE_PATH',
  ]);
  expect(names('HOME=/home/ada/\0')).toEqual(['HOME']);
});
