import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.ts';
import type { Ended, RunOptions } from './run.ts';

/** What a person, a file or a program can get wrong, and how the command answers. */
export interface BadInput {
  readonly title: string;
  readonly code: number;
  /** Has to stand in what is printed. */
  readonly says: RegExp;
  readonly asRoot?: true;
  readonly try: (home: Home, mcp: Mcp) => Promise<Ended>;
}

type Mcp = (args: readonly string[], options?: RunOptions) => Promise<Ended>;

const echo = ['--', '/bin/echo'] as const;
const aliasBomb = `version: "1.0"
aliases:
  a: &a "lol"
  b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
  c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
`;

/** The home holds `CANARY`, unlocked, and values that no environment takes: `WITH_NUL`, `TOO_LONG`. */
export const badInputs: readonly BadInput[] = [
  {
    title: 'unknown variables: one error names them all',
    code: 66,
    says: /NO_SUCH_A.*NO_SUCH_B/su,
    try: (_home, mcp) =>
      mcp(['exec', '--env', 'A=$<NO_SUCH_A>', '--env', 'B=$<CANARY> $<NO_SUCH_B>', ...echo]),
  },
  {
    title: 'an unknown backend',
    code: 66,
    says: /backend nowhere does not exist/u,
    try: (_home, mcp) => mcp(['exec', '--env', 'A=$<nowhere:path>', ...echo]),
  },
  {
    title: 'a reference in an argument',
    code: 64,
    says: /argument.*\n.*--env/u,
    try: (_home, mcp) => mcp(['exec', ...echo, '--token=$<CANARY>']),
  },
  {
    title: 'a value with a NUL byte',
    code: 78,
    says: /WITH_NUL holds a NUL byte/u,
    async try(home, mcp) {
      await home.approve(['--env', 'A=$<WITH_NUL>', ...echo]);
      return mcp(['exec', '--env', 'A=$<WITH_NUL>', ...echo]);
    },
  },
  {
    title: 'a value over the limit of the kernel',
    code: 78,
    says: /the value for A is longer than the 131071 bytes/u,
    async try(home, mcp) {
      await home.approve(['--env', 'A=$<TOO_LONG>', ...echo]);
      return mcp(['exec', '--env', 'A=$<TOO_LONG>', ...echo]);
    },
  },
  {
    title: 'a secret for LD_PRELOAD',
    code: 77,
    says: /LD_PRELOAD steers a process/u,
    try: (_home, mcp) => mcp(['exec', '--env', 'LD_PRELOAD=$<CANARY>', ...echo]),
  },
  {
    title: 'a secret for a steering name of the inherited environment',
    code: 77,
    says: /GIT_SSH_COMMAND steers a process/u,
    try: (_home, mcp) =>
      mcp(['exec', '--env', 'X=y', '--', '/bin/echo'], { env: { GIT_SSH_COMMAND: '$<CANARY>' } }),
  },
  {
    title: 'an entry without a name',
    code: 64,
    says: /name/u,
    try: (_home, mcp) => mcp(['exec', '--env', '=$<CANARY>', ...echo]),
  },
  {
    title: 'an entry without a value',
    code: 64,
    says: /--env/u,
    try: (_home, mcp) => mcp(['exec', '--env', 'CANARY', ...echo]),
  },
  {
    title: 'exec without a command',
    code: 64,
    says: /command/u,
    try: (_home, mcp) => mcp(['exec', '--']),
  },
  {
    title: 'a command that does not exist',
    code: 127,
    says: /no-such-command/u,
    try: (_home, mcp) => mcp(['exec', '--env', 'A=$<CANARY>', '--', 'no-such-command']),
  },
  {
    title: 'a command that is not executable',
    code: 126,
    says: /not executable/u,
    try: (home, mcp) =>
      mcp(['exec', '--env', 'A=$<CANARY>', '--', join(home.broker, 'config.yaml')]),
  },
  {
    title: 'a mistyped passphrase to approve',
    code: 77,
    says: /the passphrase of .*identity\.age is wrong/u,
    async try(_home, mcp) {
      const refused = await mcp(['exec', '--env', 'B=$<CANARY>', '--', '/bin/true']);
      const id = /approve (\w{4})$/mu.exec(refused.stderr)?.[1] ?? '';
      return mcp(['approve', id, '--fd', '3'], { fd3: 'not the passphrase\n' });
    },
  },
  {
    title: 'a mistyped passphrase to unlock',
    code: 77,
    says: /the passphrase of .*identity\.age is wrong\n.*mcp unlock/u,
    async try(home, mcp) {
      await mcp(['lock']);
      const ended = await mcp(['unlock', '--fd', '3'], { fd3: 'not the passphrase\n' });
      await mcp(['unlock', '--fd', '3'], { fd3: home.passphrase });
      return ended;
    },
  },
  {
    title: 'a name with a character that no name has',
    code: 64,
    says: /A B/u,
    try: (_home, mcp) => mcp(['exec', '--env', 'A B=$<CANARY>', ...echo]),
  },
  {
    title: 'a value as an argument of secret set',
    code: 64,
    says: /--stdin|--fd/u,
    try: (_home, mcp) => mcp(['secret', 'set', 'NEW', 'some-value']),
  },
  {
    title: 'a passphrase as an option',
    code: 64,
    says: /--fd/u,
    try: (_home, mcp) => mcp(['unlock', '--passphrase', 'some-value']),
  },
  {
    title: 'a name that is no name',
    code: 64,
    says: /1NAME|name/u,
    try: (_home, mcp) => mcp(['secret', 'set', '1NAME', '--stdin'], { input: 'x' }),
  },
  {
    title: 'the removal of what is not there',
    code: 66,
    says: /NOT_THERE/u,
    try: (_home, mcp) => mcp(['secret', 'rm', 'NOT_THERE']),
  },
  {
    title: 'an unknown command',
    code: 64,
    says: /statsu.*status/su,
    try: (_home, mcp) => mcp(['statsu']),
  },
  {
    title: 'a home on a path that is too long',
    code: 78,
    says: /more than 100 bytes.*\n.*--home/u,
    async try(home, mcp) {
      const long = join(home.folder, 'a'.repeat(90));
      mkdirSync(long, { mode: 0o700 });
      writeFileSync(join(long, 'config.yaml'), 'version: "1.0"\n', { mode: 0o600 });
      return mcp(['--home', long, 'exec', '--env', 'A=$<CANARY>', ...echo]);
    },
  },
  ...badConfigs(),
];

function badConfigs(): BadInput[] {
  const config = (
    title: string,
    says: RegExp,
    write: (file: string) => void,
    more: Partial<BadInput> = {},
  ): BadInput => ({
    title: `a config ${title}`,
    code: 78,
    says,
    ...more,
    async try(home, mcp) {
      const folder = join(home.folder, 'bad-config');
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
      const file = join(folder, 'config.yaml');
      write(file);
      return mcp(['--config', file, 'config', 'check']);
    },
  });
  const text = (content: string) => (file: string) => {
    writeFileSync(file, content, { mode: 0o600 });
  };
  return [
    config(
      'with an unknown key',
      /setings.*line 2.*settings/su,
      text('version: "1.0"\nsetings: {}\n'),
    ),
    config(
      'with a password',
      /password/u,
      text('version: "1.0"\nbackends:\n  v: {kind: vault, password: canary-in-config}\n'),
    ),
    config('with a tab', /line 3/u, text('version: "1.0"\nsettings:\n\tttl: 5m\n')),
    config('with an alias bomb', /line 3: an anchor/u, text(aliasBomb)),
    config('that others can read', /chmod 600/u, (file) => {
      text('version: "1.0"\n')(file);
      chmodSync(file, 0o644);
    }),
    config('that is a symbolic link', /symbolic link|symlink/u, (file) => {
      text('version: "1.0"\n')(`${file}.real`);
      symlinkSync(`${file}.real`, file);
    }),
    config(
      'of another user',
      /another user|belongs/u,
      (file) => {
        text('version: "1.0"\n')(file);
        chownSync(file, 65_534, 65_534);
      },
      { asRoot: true },
    ),
  ];
}
