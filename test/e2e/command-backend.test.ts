import { connect, locatePaths } from '@mcp-broker/daemon/client';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findIn, findInFiles } from '../kit/canary.ts';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { processesWith, untilGone } from '../kit/processes.ts';
import type { Ended } from '../kit/run.ts';

const canary = `canary-${randomBytes(18).toString('base64url')}`;

/** Tells what it was run with, then does what its first argument says. */
const tool = `#!/bin/sh
tr '\\0' '\\n' <"/proc/$$/cmdline" >>"$HOME/seen"
tr '\\0' '\\n' <"/proc/$$/environ" >>"$HOME/seen"
echo run >>"$HOME/runs"
case $1 in
  get) cat "$HOME/values/$2" || exit 3; echo ;;
  set) cat >"$HOME/values/$2" ;;
  list) ls "$HOME/values" ;;
  leak)
    cat "$HOME/values/CANARY" >&2
    base64 "$HOME/values/CANARY" >&2
    rev "$HOME/values/CANARY" >&2
    printf ' \\033[31mred\\033]0;title\\007 password=short and more.\\n' >&2
    cat "$HOME/values/CANARY"
    exit 1 ;;
  slow)
    sleep 1000 &
    echo $! >"$HOME/left"
    sleep 1000 ;;
  left)
    # It asks once this one has ended, and is nobody's child any more.
    setsid sh -c 'while kill -0 "$2" 2>/dev/null; do sleep 0.1; done; exec "$1" nosy' - "$0" $$ \\
      </dev/null >/dev/null 2>&1 &
    echo nothing ;;
  nosy)
    for words in approvals 'secret set CANARY --stdin' 'approve AAAA'; do
      printf x | "$MCP" $words >>"$HOME/nosy" 2>&1
    done
    echo nothing ;;
esac
`;

let home: Home;
let script: string;
let config: string;

function backend(name: string, ...words: readonly string[]): string {
  return `  ${name}: {kind: command, ${words.join(', ')}}\n`;
}

/** From now on these backends count. */
async function configure(...backends: readonly string[]): Promise<void> {
  const variables = ['CANARY', 'OTHER'].map((name) => `  ${name}: {backend: own}\n`).join('');
  const text = `${config}\nbackends:\n${backends.join('')}variables:\n${variables}`;
  writeFileSync(join(home.broker, 'config.yaml'), text);
  const client = await connect(locatePaths({ home: home.broker }));
  await client.call('config.reload', {});
  client.close();
}

const own = (more = ''): string =>
  backend(
    'own',
    `get: [${script}, get]`,
    `set: [${script}, set]`,
    `list: [${script}, list]`,
    'not_found_exit: [3]',
    `env: {OWN: setting${more}}`,
  );

const runs = (): number =>
  existsSync(join(home.folder, 'runs'))
    ? readFileSync(join(home.folder, 'runs'), 'utf8').trimEnd().split('\n').length
    : 0;

const print = ['sh', '-c', 'printf %s "$T"'];
const launch = (reference = '$<CANARY>'): string[] => ['--env', `T=${reference}`, '--', ...print];

async function approve(id: string | undefined): Promise<Ended> {
  const args = ['approve', id ?? 'none', '--fd', '3'];
  return expectSuccess(await home.mcp(args, { fd3: home.passphrase }));
}

const idOf = ({ stderr }: Ended): string | undefined =>
  /approve ([0-9A-Z]{4})$/mu.exec(stderr)?.[1];

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  mkdirSync(join(home.folder, 'values'));
  script = join(home.folder, 'tool');
  config = readFileSync(join(home.broker, 'config.yaml'), 'utf8');
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('the tool of a command backend', () => {
  beforeEach(async () => {
    writeFileSync(script, tool, { mode: 0o755 });
    writeFileSync(join(home.folder, 'values', 'CANARY'), canary);
    await configure(own());
  }, 60_000);

  test('A1: does not run before a person has seen it, and a launch shows both', async () => {
    const before = runs();
    const refused = await home.mcp(['exec', ...launch()]);
    const others = [
      await home.mcp(['secret', 'list', '--backend', 'own']),
      await home.mcp(['secret', 'set', 'OTHER', '--stdin'], { input: 'x' }),
      await home.mcp(['secret', 'show', 'CANARY']),
    ];
    expect([refused, ...others].map(({ code }) => code)).toEqual([77, 77, 77, 77]);
    expect(runs()).toBe(before);
    const approved = await approve(idOf(refused));
    for (const text of [`get            "${script}" "get"`, `set            "${script}" "set"`]) {
      expect(approved.stderr).toContain(text);
    }
    expect(runs()).toBe(before);
    const { code, stdout } = await home.mcp(['exec', ...launch()]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: canary });
    // What was asked for by others was the same, and waits no more.
    const { pending } = JSON.parse((await home.mcp(['approvals', '--json'])).stdout) as {
      pending: unknown[];
    };
    expect(pending).toEqual([]);
    expectSuccess(await home.mcp(['secret', 'set', 'OTHER', '--stdin'], { input: 'x' }));
  });

  test.each<[what: string, change: () => unknown]>([
    ['a line of its script', () => writeFileSync(script, `${tool}# more\n`)],
    ['its environment', () => configure(own(' of another kind'))],
    ['an argument', () => configure(own().replace('get]', 'get, "{name}", more]'))],
    [
      'the PATH that it finds programs by',
      async () => {
        const before = config;
        config = config.replace(/^ {2}#? ?path: .*$/mu, '  path: [/usr/bin, /bin]');
        await configure(own());
        config = before;
      },
    ],
  ])(
    'A1: is asked for again once %s has changed, and does not run until then',
    async (_what, change) => {
      const first = await home.mcp(['secret', 'list', '--backend', 'own']);
      if (first.code !== 0) await approve(idOf(first));
      expectSuccess(await home.mcp(['secret', 'list', '--backend', 'own']));
      const before = runs();
      await change();
      const refused = await home.mcp(['secret', 'list', '--backend', 'own']);
      expect({ code: refused.code, runs: runs() }).toEqual({ code: 77, runs: before });
      const approved = await approve(idOf(refused));
      expect(approved.stderr).toContain('changed since it was approved:');
      expectSuccess(await home.mcp(['secret', 'list', '--backend', 'own']));
      expect(runs()).toBeGreaterThan(before);
    },
  );

  test('a refusal holds for all that would need it', async () => {
    writeFileSync(script, `${tool}# refused\n`);
    const refused = await home.mcp(['secret', 'list', '--backend', 'own']);
    expectSuccess(await home.mcp(['deny', idOf(refused) ?? '']));
    const again = await home.mcp(['exec', ...launch()]);
    expect(again.code).toBe(77);
    expect(again.stderr).toContain('a person refused this launch');
  });

  needs('linux')('A8: gets a value on stdin alone, and a small environment', async () => {
    const first = await home.mcp(['secret', 'list', '--backend', 'own']);
    if (first.code !== 0) await approve(idOf(first));
    writeFileSync(join(home.folder, 'seen'), '');
    const fresh = `${canary}-fresh`;
    expectSuccess(
      await home.mcp(['secret', 'set', 'OTHER', '--stdin'], {
        input: fresh,
        env: { STRAY: 'of the caller' },
      }),
    );
    await home.approve(launch('$<OTHER>'));
    expect((await home.mcp(['exec', ...launch('$<OTHER>')])).stdout).toBe(fresh);
    const seen = readFileSync(join(home.folder, 'seen'));
    expect(seen.toString()).toContain('\nOTHER\n');
    expect(findIn(seen, canary)).toEqual([]);
    expect(await findInFiles(home.broker, canary)).toEqual([]);
    const names = new Set(
      seen
        .toString()
        .split('\n')
        .flatMap((line) => /^(\w+)=/u.exec(line)?.[1] ?? []),
    );
    const optional = ['LANG', 'LC_ALL', 'TZ', 'USER', 'LOGNAME', 'XDG_RUNTIME_DIR'];
    const always = ['HOME', 'PATH', 'OWN', 'MCP_LAUNCH'];
    const known = [...always, 'DBUS_SESSION_BUS_ADDRESS', ...optional];
    expect(known).toEqual(expect.arrayContaining([...names]));
    expect([...names]).toEqual(expect.arrayContaining(always));
  });
});

describe('what goes wrong with a tool', () => {
  beforeEach(() => {
    writeFileSync(script, tool, { mode: 0o755 });
    writeFileSync(join(home.folder, 'values', 'CANARY'), canary);
  });

  const failing = async (name: string, more: readonly string[] = []): Promise<Ended> => {
    await configure(own(), backend('bad', `get: [${script}, ${name}]`, ...more));
    const args = launch('$<bad:CANARY>');
    await home.approve(args);
    return home.mcp(['exec', ...args]);
  };

  test('A7: what it writes to stderr is told without the value, a token or an escape', async () => {
    // Nothing in it looks like a token.
    const value = 'correct horse battery staple';
    writeFileSync(join(home.folder, 'values', 'CANARY'), value);
    const { code, stderr } = await failing('leak');
    expect(code).toBe(69);
    expect(findIn(Buffer.from(stderr), value)).toEqual([]);
    expect(stderr).toContain('failed with exit status 1: [masked] red password=[masked] and more');
    expect(await findInFiles(home.broker, value)).toEqual([]);
  });

  needs('linux')('it ends with all that it started when its time is over', async () => {
    const { code, stderr } = await failing('slow', ['timeout: 1s', `env: {SLOW: ${canary}}`]);
    expect(code).toBe(69);
    expect(stderr).toContain('the get command of backend bad did not end within 1 s');
    expect(readFileSync(join(home.folder, 'left'), 'utf8')).toMatch(/^\d+\n$/u);
    await untilGone(() => processesWith('SLOW', canary));
  });

  test('one that asks the broker for something is no person', async () => {
    const { code } = await failing('nosy', [
      `env: {MCP: "${mcpCommand}", PATH: "${home.env['PATH']}"}`,
    ]);
    expect(code).toBe(0);
    const said = readFileSync(join(home.folder, 'nosy'), 'utf8');
    expect(said.match(/a server that was launched here cannot do this/gu)).toHaveLength(3);
  });

  needs('linux')('what one has left behind is no person either', async () => {
    rmSync(join(home.folder, 'nosy'), { force: true });
    const { code } = await failing('left', [
      `env: {MCP: "${mcpCommand}", PATH: "${home.env['PATH']}", LEFT: ${canary}}`,
    ]);
    expect(code).toBe(0);
    await untilGone(() => processesWith('LEFT', canary));
    const said = readFileSync(join(home.folder, 'nosy'), 'utf8');
    expect(said.match(/a server that was launched here cannot do this/gu)).toHaveLength(3);
  });

  test('one that is not there is named, with where it was looked for', async () => {
    await configure(own(), backend('bad', 'get: [no-such-tool]'));
    const { code, stderr } = await home.mcp(['exec', ...launch('$<bad:CANARY>')]);
    expect(code).toBe(127);
    expect(stderr).toContain('the get command of backend bad: command not found: no-such-tool');
    expect(stderr).toContain('settings.path');
  });
});

describe('mcp config', () => {
  const file = (): string => readFileSync(join(home.broker, 'config.yaml'), 'utf8');
  const add = (more: readonly string[], fd3?: string): Promise<Ended> => {
    const args = ['config', 'add-command-backend', 'new', '--get', `${script} get`, ...more];
    return home.mcp(args, fd3 === undefined ? {} : { fd3 });
  };
  beforeEach(async () => {
    writeFileSync(script, tool, { mode: 0o755 });
    await configure(own());
  }, 60_000);

  test.each<[who: string, code: number, more: readonly string[], fd3?: string]>([
    ['nobody at a terminal', 77, []],
    ['a wrong passphrase', 77, ['--fd', '3'], 'wrong'],
    ['a tool that is not there', 127, ['--list', 'no-such-tool', '--fd', '3'], 'unread'],
  ])('adds no backend for %s, and leaves the file as it was', async (_who, code, more, fd3) => {
    const before = file();
    expect((await add(more, fd3)).code).toBe(code);
    expect(file()).toBe(before);
  });

  test('adds a backend that is approved with it, keeps comments, and takes it away again', async () => {
    const before = file();
    expectSuccess(await add(['--not-found-exit', '3', '--fd', '3'], home.passphrase));
    expect(file()).toContain('# Configuration of MCP Broker.');
    const args = launch('$<new:CANARY>');
    await home.approve(args);
    expect((await home.mcp(['exec', ...args])).stdout).toBe(canary);
    expect((await add(['--fd', '3'], home.passphrase)).code).toBe(64);
    expectSuccess(await home.mcp(['config', 'remove-backend', 'new']));
    expect(file()).toBe(before);
    expect((await home.mcp(['approvals'])).stdout).not.toContain('(backend new)');
    expect((await home.mcp(['config', 'remove-backend', 'new'])).code).toBe(66);
  });

  test('removes no backend that a variable names', async () => {
    const { code, stderr } = await home.mcp(['config', 'remove-backend', 'own']);
    expect(code).toBe(64);
    expect(stderr).toContain('is used by variables.CANARY, variables.OTHER');
  });
});
