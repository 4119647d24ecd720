import {
  existsSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../kit/needs.ts';
import { run, type Ended, type RunOptions } from '../kit/run.ts';

const launcher = fileURLToPath(new URL('../../packages/cli/bin/mcp', import.meta.url));
const printSelf = fileURLToPath(new URL('../fixtures/programs/print-self.mjs', import.meta.url));
const node = process.execPath;
const system = ['/usr/bin', '/bin'].join(delimiter);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp launcher '));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { HOME: folder, PATH: [dirname(node), system].join(delimiter), ...more };
}

function launch(
  args: readonly string[],
  { env, ...options }: RunOptions = {},
  command = launcher,
): Promise<Ended> {
  return run(command, args, { env: env ?? environment(), ...options });
}

describe('the launcher', () => {
  const shells: [name: string, command: string[]][] = [
    ['dash', ['dash']],
    ['bash', ['bash']],
    ['bash, by the name of sh', ['bash', '--posix']],
    ['busybox sh', ['busybox', 'sh']],
    ['ksh', ['ksh']],
    ['zsh, by the name of sh', ['zsh', '--emulate', 'sh']],
  ];
  for (const [name, command] of shells) {
    const [typed = '', ...flags] = command;
    test.skipIf(lacks(typed))(`hands arguments and variables on whole under ${name}`, async () => {
      const odd = ['', ' a  b ', '*', '$HOME', '"\'`\\', 'line\nline', '--', 'ü'];
      const env = environment({ NODE_OPTIONS: ' --no-warnings  "x"\n\'$HOME` ', NODE_PATH: '' });
      const args = [...flags, launcher, 'exec', '--', printSelf, ...odd];
      const script = join(folder, 'print-self');
      writeFileSync(script, `#!/bin/sh\nunset NODE_OPTIONS\nexec ${node} ${printSelf} "$@"\n`);
      chmodSync(script, 0o755);
      args[args.indexOf(printSelf)] = script;
      const { code, stdout, stderr } = await run(typed, args, { env });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect((JSON.parse(stdout) as { argv: string[] }).argv).toEqual(odd);
      const seen = await run(typed, [...flags, launcher, 'exec', '--', '/usr/bin/env', '-0'], {
        env,
      });
      // Each shell adds variables of its own, such as SHLVL; none may be one of ours.
      const given = Object.entries(env).map(([key, value]) => `${key}=${value}`);
      const variables = seen.stdout
        .split('\0')
        .filter((entry) => given.includes(entry) || /MCP|NODE/u.test(entry));
      expect(variables.toSorted()).toEqual(given.toSorted());
    });

    test.skipIf(lacks('linux', typed))(
      `tells --replace under ${name} what Node is about to change`,
      async () => {
        const look = 'ulimit -S -n; grep SigIgn /proc/self/status; env | grep MCP_';
        const set = `ulimit -S -n 300; trap '' HUP PIPE; exec "$@"`;
        const start = [typed, ...flags, launcher, 'exec', '--replace', '--', 'sh', '-c', look];
        const { stdout } = await run('sh', ['-c', set, 'sh', ...start], { env: environment() });
        const ignored = typed === 'zsh' ? '0000000000000000' : '0000000000001001';
        expect(stdout).toBe(`300\nSigIgn:\t${ignored}\n`);
      },
    );
  }

  test('A5: keeps every variable that steers Node from our process and gives it to the server', async () => {
    const evil = join(folder, 'evil.cjs');
    const trace = join(folder, 'trace');
    writeFileSync(
      evil,
      `require('fs').appendFileSync(${JSON.stringify(trace)}, process.argv.join(' ') + '\\n')`,
    );
    const env = environment({ NODE_OPTIONS: `--require "${evil}"` });
    const { stdout } = await launch(['exec', '--', node, printSelf], { env });
    expect((JSON.parse(stdout) as { env: Record<string, string> }).env).toMatchObject({
      NODE_OPTIONS: `--require "${evil}"`,
    });
    expect(readFileSync(trace, 'utf8')).toBe(`${node} ${printSelf}\n`);
  });

  test('starts Node with flags that close it to debuggers', async () => {
    const script = join(folder, 'parent.sh');
    writeFileSync(script, '#!/bin/sh\ntr "\\0" " " < /proc/$PPID/cmdline\n', { mode: 0o755 });
    const { stdout } = await launch(['exec', '--', script]);
    expect(stdout).toMatch(/^\S*node --disable-sigusr1 .*\S+mcp\.cjs exec -- /u);
  });

  test('is found behind symlinks, relative, absolute and one after another', async () => {
    const links = join(folder, 'some links');
    mkdirSync(links);
    symlinkSync(launcher, join(links, 'first'));
    symlinkSync('first', join(links, 'second'));
    symlinkSync('some links/second', join(folder, 'third'));
    for (const link of [join(links, 'first'), join(links, 'second'), join(folder, 'third')]) {
      expect(await launch(['exec', '--', 'echo', 'hello'], {}, link)).toMatchObject({
        code: 0,
        stdout: 'hello\n',
      });
    }
  });

  test('is found in the tree that npm install --global makes, without readlink', async () => {
    const prefix = join(folder, 'prefix');
    const scope = join(prefix, 'lib/node_modules/@mcp-broker');
    mkdirSync(join(prefix, 'bin'), { recursive: true });
    mkdirSync(scope, { recursive: true });
    symlinkSync(dirname(dirname(launcher)), join(scope, 'cli'));
    symlinkSync('../lib/node_modules/@mcp-broker/cli/bin/mcp', join(prefix, 'bin/mcp'));
    const env = environment({ PATH: dirname(node) });
    const command = join(prefix, 'bin/mcp');
    expect(await launch(['exec', '--', '/bin/echo', 'hello'], { env }, command)).toMatchObject({
      code: 0,
      stdout: 'hello\n',
    });
  });

  test('works as a script that another one starts by name, as the shims of pnpm do', async () => {
    const shim = join(folder, 'shim');
    const bin = dirname(launcher);
    writeFileSync(shim, `#!/bin/sh\ncd '${bin}' && exec sh mcp "$@"\n`, { mode: 0o755 });
    expect((await launch(['exec', '--', 'echo', 'hello'], {}, shim)).stdout).toBe('hello\n');
  });

  // Bash looks in PATH for a script that is not where it stands, and leaves $0 as it was typed.
  test.skipIf(lacks('bash'))(
    'A2: takes nothing from the folder that bash starts it in by its name',
    async () => {
      const repository = join(folder, 'cloned', 'repository');
      const ran = join(folder, 'cloned-ran');
      mkdirSync(repository, { recursive: true });
      mkdirSync(join(folder, 'cloned', 'dist'));
      writeFileSync(join(repository, 'node'), `#!/bin/sh\necho >'${ran}'\n`, { mode: 0o755 });
      writeFileSync(
        join(folder, 'cloned', 'dist', 'mcp.cjs'),
        `require('node:fs').writeFileSync(${JSON.stringify(ran)}, '')`,
      );
      const env = environment({ PATH: [dirname(launcher), dirname(node), system].join(delimiter) });
      const args = ['mcp', 'exec', '--', 'echo', 'hello'];
      const ended = await run('bash', args, { env, cwd: repository });
      expect(existsSync(ran)).toBe(false);
      expect(ended).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    },
  );

  test('takes the Node beside it before the one in PATH', async () => {
    const place = join(folder, 'beside');
    mkdirSync(place);
    symlinkSync(launcher, join(place, 'mcp'));
    writeFileSync(join(place, 'node'), `#!/bin/sh\necho beside >&2\nexec '${node}' "$@"\n`, {
      mode: 0o755,
    });
    const ended = await launch(['exec', '--', 'echo', 'hello'], {}, join(place, 'mcp'));
    expect(ended).toEqual({ code: 0, stdout: 'hello\n', stderr: 'beside\n' });
  });
});

describe('the launcher says in one line', () => {
  test('that there is no Node', async () => {
    const env = environment({ PATH: join(folder, 'empty') });
    expect(await run('/bin/sh', [launcher, 'status'], { env })).toEqual({
      code: 127,
      stdout: '',
      stderr: 'mcp: error: node was not found beside mcp or in PATH; install Node 22.19 or newer\n',
    });
  });

  test.each(['v20.20.2', 'v22.9.0', 'v22.18.1'])('that Node %s is too old', async (version) => {
    const bin = join(folder, version);
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const env = environment({ PATH: [bin, system].join(delimiter) });
    const { code, stdout, stderr } = await launch(['status'], { env });
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toBe(
      `mcp: error: mcp needs Node 22.19 or newer, and ${join(bin, 'node')} is ${version}\n`,
    );
  });

  test.each(['v22.19.0', 'v24.0.0', 'v100.1.2'])('nothing about Node %s', async (version) => {
    const bin = join(folder, `fine-${version}`);
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
    const env = environment({ PATH: [bin, system].join(delimiter) });
    expect(await launch(['status'], { env })).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});
