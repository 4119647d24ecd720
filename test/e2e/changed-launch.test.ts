import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { connectTo } from '../kit/protocol.ts';
import type { Ended } from '../kit/run.ts';

// One launch is approved. Then one thing of it changes at a time, and it is started again.

const says = 'ran with a token\n';
const script = (interpreter: string): string =>
  `#!${interpreter}\n[ -n "$TOKEN" ] && echo ran with a token # a\n`;

let home: Home;
let bin = '';
let file = '';
let interpreter = '';
let approved: Launch;

interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** `--env`. */
  readonly entries: readonly string[];
  readonly options: readonly string[];
  /** Inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

function start(changes: Partial<Launch> = {}): Promise<Ended> {
  const { command, args, entries, options, env, cwd } = { ...approved, ...changes };
  const typed = [...entries.flatMap((entry) => ['--env', entry]), ...options];
  return home.mcp(['exec', ...typed, '--', command, ...args], { env, cwd });
}

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  await home.set('OTHER', 'value of another');
  bin = join(home.folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(home.folder, 'releases'));
  interpreter = join(bin, 'interpreter');
  copyFileSync(realpathSync('/bin/sh'), interpreter);
  file = join(home.folder, 'releases', 'server-1');
  writeFileSync(file, script(interpreter), { mode: 0o755 });
  symlinkSync('../releases/server-1', join(bin, 'server'));
  approved = {
    command: 'server',
    args: ['--port', '1', 'last'],
    entries: ['TOKEN=$<TOKEN>', 'MODE=read only'],
    options: [],
    env: {
      PATH: `${join(home.folder, 'first')}${delimiter}${bin}${delimiter}${home.env['PATH'] ?? ''}`,
      API_URL: 'https://api.example.com',
      NODE_OPTIONS: '--max-http-header-size=16000',
    },
    cwd: home.folder,
  };
  const { command, args, entries, env, cwd } = approved;
  const typed = entries.flatMap((entry) => ['--env', entry]);
  await home.approve([...typed, '--', command, ...args], { env, cwd });
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const typed: [what: string, changes: () => Partial<Launch>][] = [
  ['an argument more', () => ({ args: [...approved.args, '--verbose'] })],
  ['an argument less', () => ({ args: approved.args.slice(1) })],
  ['another argument', () => ({ args: ['--port', '2', 'last'] })],
  ['two arguments as one', () => ({ args: ['--port 1', 'last'] })],
  ['the arguments in another order', () => ({ args: ['last', '--port', '1'] })],
  ['an empty argument more', () => ({ args: [...approved.args, ''] })],
  ['the same file by its path', () => ({ command: join(bin, 'server') })],
  ['another program under the same arguments', () => ({ command: '/bin/echo' })],
  ['another variable', () => ({ entries: ['TOKEN=$<OTHER>', 'MODE=read only'] })],
  ['another name for the value', () => ({ entries: ['PASSWORD=$<TOKEN>', 'MODE=read only'] })],
  ['text beside the reference', () => ({ entries: ['TOKEN=x$<TOKEN>', 'MODE=read only'] })],
  ['a default', () => ({ entries: ['TOKEN=$<TOKEN:-none>', 'MODE=read only'] })],
  ['the reference in its other form', () => ({ entries: ['TOKEN=${TOKEN}', 'MODE=read only'] })],
  ['the variable twice', () => ({ entries: [...approved.entries, 'AGAIN=$<TOKEN>'] })],
  ['another literal', () => ({ entries: ['TOKEN=$<TOKEN>', 'MODE=read write'] })],
  ['a literal less', () => ({ entries: ['TOKEN=$<TOKEN>'] })],
  ['a literal more', () => ({ entries: [...approved.entries, 'MORE='] })],
  [
    'the entry from the environment',
    () => ({ entries: ['MODE=read only'], env: { ...approved.env, TOKEN: '$<TOKEN>' } }),
  ],
  ['references in arguments', () => ({ options: ['--allow-args'] })],
  ['another address', () => ({ env: { ...approved.env, API_URL: 'https://evil.example' } })],
  ['a proxy', () => ({ env: { ...approved.env, https_proxy: 'http://127.0.0.1:1' } })],
  [
    'another NODE_OPTIONS',
    () => ({ env: { ...approved.env, NODE_OPTIONS: '--require=/tmp/evil.cjs' } }),
  ],
  [
    'a NODE_OPTIONS that calls itself set aside already',
    () => ({ env: { ...approved.env, MCP_ASIDE_NODE_PATH: '/tmp/evil' } }),
  ],
  ['a folder of libraries', () => ({ env: { ...approved.env, LD_LIBRARY_PATH: '/nonexistent' } })],
];

/** Changes something on the disk; gives what puts it back. */
type Spoil = () => Restore | Promise<Restore>;
type Restore = () => void | Promise<void>;

const rewrite = (path: () => string, content: () => string): Spoil => {
  return () => {
    const before = readFileSync(path());
    writeFileSync(path(), content());
    return () => {
      writeFileSync(path(), before);
    };
  };
};

const onDisk: [what: string, spoil: Spoil][] = [
  [
    'the script, rewritten in place in as many bytes',
    rewrite(
      () => file,
      () => script(interpreter).replace('# a', '# b'),
    ),
  ],
  [
    'the script, exchanged by a rename',
    () => {
      writeFileSync(`${file}.new`, script(interpreter).replace('# a', ''), { mode: 0o755 });
      renameSync(file, `${file}.old`);
      renameSync(`${file}.new`, file);
      return () => {
        renameSync(`${file}.old`, file);
      };
    },
  ],
  [
    'the interpreter of the script',
    () => {
      renameSync(interpreter, `${interpreter}.old`);
      // As an appended byte would, and still a shell.
      writeFileSync(
        interpreter,
        Buffer.concat([readFileSync(`${interpreter}.old`), Buffer.of(0)]),
        {
          mode: 0o755,
        },
      );
      return () => {
        renameSync(`${interpreter}.old`, interpreter);
      };
    },
  ],
  [
    'the link that PATH finds, which leads to a copy',
    () => {
      copyFileSync(file, `${file}.copy`);
      rmSync(join(bin, 'server'));
      symlinkSync('../releases/server-1.copy', join(bin, 'server'));
      return () => {
        rmSync(join(bin, 'server'));
        rmSync(`${file}.copy`);
        symlinkSync('../releases/server-1', join(bin, 'server'));
      };
    },
  ],
  [
    'a program of the same name earlier in PATH',
    () => {
      const first = join(home.folder, 'first');
      mkdirSync(first);
      copyFileSync(file, join(first, 'server'));
      return () => {
        rmSync(first, { recursive: true });
      };
    },
  ],
  [
    'where the variable lies',
    async () => {
      const config = join(home.broker, 'config.yaml');
      const before = readFileSync(config, 'utf8');
      const client = await connectTo(home);
      writeFileSync(config, `${before}\nvariables:\n  TOKEN: {path: OTHER}\n`);
      await client.call('config.reload', {});
      return async () => {
        writeFileSync(config, before);
        await client.call('config.reload', {});
        client.close();
      };
    },
  ],
];

describe.skipIf(lacks('linux'))('A1: a launch that is approved asks again with', () => {
  const asked = {
    code: 77,
    stdout: '',
    stderr: expect.stringContaining('this launch is not approved for ') as string,
  };
  const ran = { code: 0, stdout: says, stderr: '' };

  test.each(typed)('%s', async (_what, changes) => {
    expect(await start(changes())).toEqual(asked);
  });

  test.each(onDisk)('%s', async (_what, spoil) => {
    const restore = await spoil();
    try {
      expect(await start()).toEqual(asked);
    } finally {
      await restore();
    }
    expect(await start()).toEqual(ran);
  });

  test('nothing else: it still runs as it was approved, whatever it calls itself and wherever', async () => {
    expect(await start()).toEqual(ran);
    expect((await start({ options: ['--server', 'another'] })).code).toBe(0);
    expect((await start({ cwd: '/' })).code).toBe(0);
  });
});

test('A1: a relative path asks again in another folder', async () => {
  const folders = ['one', 'two'].map((name) => join(home.folder, name));
  for (const folder of folders) {
    mkdirSync(folder);
    copyFileSync(file, join(folder, 'server'));
  }
  const [one = '', two = ''] = folders;
  const args = ['--env', 'TOKEN=$<TOKEN>', '--', './server'];
  await home.approve(args, { cwd: one });
  expect((await home.mcp(['exec', ...args], { cwd: one })).code).toBe(0);
  expect((await home.mcp(['exec', ...args], { cwd: two })).code).toBe(77);
});
