import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { officialServer } from '../kit/servers.ts';

const node = process.execPath;
const printToken = ['--', node, '-e', 'process.stdout.write(process.env.TOKEN ?? "none")'];
const token = `tok-${randomBytes(12).toString('hex')}`;
let home: Home;

beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', token);
}, 60_000);
afterAll(async () => {
  await home.remove();
});

describe('a launch', () => {
  test('is refused with 77 and what to type, then approved, then runs with the value', async () => {
    const args = ['exec', '--env', 'TOKEN=$<TOKEN>', ...printToken];
    const refused = await home.mcp(args);
    expect(refused).toMatchObject({ code: 77, stdout: '' });
    expect(refused.stderr).toMatch(
      /^mcp: error: this launch is not approved for TOKEN\nmcp: hint: in a terminal: mcp approve \w{4}\n$/u,
    );
    await home.approve(args.slice(1));
    expect(await home.mcp(args)).toEqual({ code: 0, stdout: token, stderr: '' });
  });

  test('is asked for again when its argument, entry, program or reference changes', async () => {
    const script = join(home.folder, 'server.sh');
    writeFileSync(script, '#!/bin/sh\nprintf %s "$TOKEN"\n', { mode: 0o755 });
    await home.approve(['--env', 'TOKEN=$<TOKEN>', '--', script]);
    const codes = async (args: readonly string[], env = {}): Promise<number> =>
      (await home.mcp(['exec', ...args], { env })).code;

    expect(await codes(['--env', 'TOKEN=$<TOKEN>', '--', script])).toBe(0);
    expect(await codes(['--env', 'TOKEN=$<TOKEN>', '--', script, 'more'])).toBe(77);
    expect(await codes(['--env', 'TOKEN=x$<TOKEN>', '--', script])).toBe(77);
    expect(await codes(['--env', 'OTHER=$<TOKEN>', '--', script])).toBe(77);
    expect(await codes(['--env', 'TOKEN=$<TOKEN>', '--env', 'MORE=literal', '--', script])).toBe(
      77,
    );
    expect(await codes(['--', script], { TOKEN: '$<TOKEN>' })).toBe(77);
    writeFileSync(script, '#!/bin/sh\nprintf %s "$TOKEN" | rev\n');
    expect(await codes(['--env', 'TOKEN=$<TOKEN>', '--', script])).toBe(77);
    writeFileSync(script, '#!/bin/sh\nprintf %s "$TOKEN"\n');
    expect(await codes(['--env', 'TOKEN=$<TOKEN>', '--', script])).toBe(0);
  });

  test('takes references from the inherited environment, as an MCP client gives them', async () => {
    const script = 'const {A, B, C} = process.env; process.stdout.write(JSON.stringify({A, B, C}))';
    const args = ['--', node, '-e', script];
    const env = { A: 'Bearer $<TOKEN>', B: '${TOKEN}', C: 'x ${TOKEN}' };
    await home.approve(args, { env });
    const { stdout } = await home.mcp(['exec', ...args], { env });
    expect(JSON.parse(stdout)).toEqual({ A: `Bearer ${token}`, B: token, C: 'x ${TOKEN}' });
  });

  test('A12: reads a value once, and never reads what it puts in', async () => {
    await home.set('NESTED', '$<TOKEN> ${TOKEN} $$<TOKEN>');
    const args = ['--env', 'TOKEN=$<NESTED>', ...printToken];
    await home.approve(args);
    expect((await home.mcp(['exec', ...args])).stdout).toBe('$<TOKEN> ${TOKEN} $$<TOKEN>');
  });

  test('uses a default for an unknown variable, also an empty one', async () => {
    const args = ['--env', 'TOKEN=<$<NOT_THERE:-standing in>${NOT_THERE_EITHER:-}>', ...printToken];
    await home.approve(args);
    expect((await home.mcp(['exec', ...args])).stdout).toBe('<standing in>');
  });

  test('A8: takes a reference in an argument only when it is allowed to', async () => {
    const args = ['--allow-args', '--', '/bin/echo', '-n', 'a $<TOKEN>', '${TOKEN}'];
    await home.approve(args);
    expect((await home.mcp(['exec', ...args])).stdout).toBe(`a ${token} \${TOKEN}`);
  });

  test('without a reference runs without a daemon, in a home that does not exist', async () => {
    const ended = await home.mcp(['exec', '--', '/bin/echo', 'plain'], {
      env: { MCP_HOME: join(home.folder, 'none') },
    });
    expect(ended).toEqual({ code: 0, stdout: 'plain\n', stderr: '' });
  });

  test('with --config has an environment of its own with the same secrets', async () => {
    const folder = join(home.folder, 'other');
    mkdirSync(folder);
    const config = join(folder, 'config.yaml');
    writeFileSync(config, 'version: "1.0"\n', { mode: 0o600 });
    const args = ['--config', config, 'exec', '--env', 'TOKEN=$<TOKEN>', ...printToken];
    expect((await home.mcp(args)).code).toBe(75);
    const unlocked = await home.mcp(['--config', config, 'unlock', '--fd', '3'], {
      fd3: home.passphrase,
    });
    expect(unlocked.code).toBe(0);
    const refused = await home.mcp(args);
    expect(refused.stderr).toContain(`mcp --config ${config} approve`);
    expect((await home.mcp(['--config', config, 'daemon', 'stop'])).code).toBe(0);
  });
});

describe('the exit code', () => {
  test('is the server’s own, from 0 to 255', async () => {
    const args = ['--env', 'TOKEN=$<TOKEN>', '--', '/bin/sh', '-c', 'read code; exit "$code"'];
    await home.approve(args);
    const all = Array.from({ length: 256 }, (_, code) => code);
    const seen: number[] = [];
    while (seen.length < all.length) {
      const batch = all.slice(seen.length, seen.length + 4);
      const ended = await Promise.all(
        batch.map((code) => home.mcp(['exec', ...args], { input: `${code}\n` })),
      );
      seen.push(...ended.map((each) => each.code));
    }
    expect(seen).toEqual(all);
  }, 120_000);

  test('is 128 and the number of the signal that ended the server', async () => {
    const args = [
      '--env',
      'TOKEN=$<TOKEN>',
      '--',
      '/bin/sh',
      '-c',
      'read signal; kill -s "$signal" $$',
    ];
    await home.approve(args);
    for (const [signal, code] of [
      ['HUP', 129],
      ['INT', 130],
      ['ABRT', 134],
      ['KILL', 137],
      ['USR1', 138],
      ['TERM', 143],
    ] as const) {
      expect((await home.mcp(['exec', ...args], { input: `${signal}\n` })).code, signal).toBe(code);
    }
  });
});

describe('a signal', () => {
  const passedOn = [
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGTERM',
    'SIGUSR2',
    'SIGALRM',
    'SIGVTALRM',
    'SIGXCPU',
    'SIGWINCH',
    'SIGCONT',
    'SIGIO',
    'SIGPWR',
  ] as const;
  needs('linux')('to the wrapper reaches the server', async () => {
    const script = `
      for (const name of ${JSON.stringify(passedOn)}) process.on(name, () => console.log(name));
      process.stdin.resume().on('end', () => process.exit(0));
      console.log('ready');`;
    const args = ['--env', 'TOKEN=$<TOKEN>', '--', node, '-e', script];
    await home.approve(args);
    const launch = spawn(mcpCommand, ['exec', ...args], { env: { ...home.env } });
    const lines = createInterface(launch.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    for (const signal of passedOn) {
      launch.kill(signal);
      expect((await lines.next()).value).toBe(signal);
    }
    launch.stdin.end();
    expect(await once(launch, 'close')).toEqual([0, null]);
  });
});

describe('the official client', () => {
  const servers: [
    name: 'everything' | 'filesystem' | 'memory',
    args: () => string[],
    tool: string,
  ][] = [
    ['everything', () => [], 'get-env'],
    ['filesystem', () => [home.folder], 'list_allowed_directories'],
    ['memory', () => [], 'read_graph'],
  ];
  for (const mode of ['legacy', 'auto'] as const) {
    test.each(servers)(`launches %s in ${mode} mode`, async (name, args, tool) => {
      const path = officialServer(name);
      const command = ['--server', name, '--', node, path, ...args()];
      const env = { API_TOKEN: '$<TOKEN>', MEMORY_FILE_PATH: join(home.folder, 'memory.jsonl') };
      // The claimed name is no part of the fingerprint: what legacy mode was approved for, auto mode may.
      if (mode === 'legacy') await home.approve(command, { env });
      const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
      const transport = new StdioClientTransport({
        command: mcpCommand,
        args: ['exec', ...command],
        env: { ...home.env, ...env },
        stderr: 'pipe',
      });
      try {
        await client.connect(transport);
        const tools = await client.listTools();
        expect(tools.tools.map((each) => each.name)).toContain(tool);
        const answer = JSON.stringify(await client.callTool({ name: tool }));
        expect(answer.includes(token)).toBe(tool === 'get-env');
      } finally {
        await client.close();
      }
    });
  }
});
