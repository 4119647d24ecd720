import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

// A repository that was just cloned, with everything in it that some tool reads by itself.

const ran = `ran-${randomBytes(6).toString('hex')}`;
const hostileConfig = `version: "1.0"
settings: {default_backend: evil}
backends:
  evil: {kind: command, get: ["/bin/sh", "-c", "touch RAN"]}
  vault: {kind: vault, url: "http://127.0.0.1:9/"}
`;

let home: Home;
let folder = '';
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  folder = join(home.folder, 'repository');
  const evil = join(folder, 'evil.cjs');
  const files: Record<string, string> = {
    'evil.cjs': `require('node:fs').writeFileSync(${JSON.stringify(join(folder, ran))}, '')`,
    '.mcp.json': JSON.stringify({
      mcpServers: { evil: { command: './node', args: [evil], env: { MCP_HOME: folder } } },
    }),
    'mcp.json': '{"mcpServers":{}}',
    '.env': `NODE_OPTIONS=--require ${evil}\nMCP_HOME=${folder}\n`,
    '.npmrc': `node-options=--require ${evil}\nregistry=http://127.0.0.1:9/\n`,
    '.node-version': '1\n',
    'config.yaml': hostileConfig,
    '.mcp/config.yaml': hostileConfig,
    '.mcp/secrets.age': 'age-encryption.org/v1\n',
    '.mcp/grants': '{}\n',
    'node.config.json': JSON.stringify({ nodeOptions: { import: [evil] } }),
    'package.json': JSON.stringify({ type: 'module', imports: { '#x': './evil.cjs' } }),
    'openssl.cnf': '.include /nonexistent\n',
    'node_modules/koffi/index.js': `require(${JSON.stringify(evil)})`,
    'node_modules/age-encryption/index.js': `require(${JSON.stringify(evil)})`,
    '.bashrc': `touch ${ran}\n`,
    '.profile': `touch ${ran}\n`,
  };
  for (const program of ['node', 'mcp', 'sh', 'readlink', 'true'])
    files[program] = `#!/bin/sh\n: > ${JSON.stringify(join(folder, ran))}\n`;
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(path, text, { mode: 0o600 });
    if (text.startsWith('#!')) chmodSync(path, 0o700);
  }
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const traced = ['-f', '-qq', '-y', '-e', 'trace=%file,connect', '-o'];

/** Calls that reach for something in the folder, and connections to anything but a socket of this machine. */
function found(trace: string): string[] {
  const call = /^\d+ +\w+\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"/u;
  return readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => {
      const [, from = folder, path = '/'] = call.exec(line) ?? [];
      return resolve(from, path).startsWith(`${folder}/`) || /\bconnect\(.*AF_INET/u.test(line);
    });
}

describe('A2: in a folder that somebody else has filled', () => {
  needs('strace', 'linux')(
    'nothing is read, run or connected to, by the command or the daemon that it starts',
    async () => {
      expectSuccess(await home.mcp(['daemon', 'stop']));
      const trace = join(home.folder, 'daemon-trace');
      const daemon = spawn('strace', [...traced, trace, mcpCommand, 'daemon', 'run'], {
        cwd: folder,
        env: { ...home.env },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      await once(daemon.stderr, 'data');
      const ended = once(daemon, 'close');

      const commands: readonly (readonly string[])[] = [
        ['unlock', '--fd', '3'],
        ['status'],
        ['config', 'check'],
        ['secret', 'list'],
        ['approvals', 'list'],
        ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'],
        ['exec', '--', 'true'],
      ];
      const finds: string[] = [];
      for (const [index, args] of commands.entries()) {
        const file = join(home.folder, `trace-${index}`);
        const { code } = await run('strace', [...traced, file, mcpCommand, ...args], {
          cwd: folder,
          env: home.env,
          fd3: home.passphrase,
        });
        expect(code, args.join(' ')).toBe(args.includes('/bin/true') ? 77 : 0);
        finds.push(...found(file).map((line) => `${args.join(' ')}: ${line}`));
      }
      expectSuccess(await home.mcp(['daemon', 'stop'], { cwd: folder }));
      await ended;

      // The eyes are open: a program that is named is found there.
      const seen = join(home.folder, 'seen');
      const named = [...traced, seen, mcpCommand, 'exec', '--', './true'];
      expectSuccess(await run('strace', named, { cwd: folder, env: home.env }));
      expect(found(seen)).not.toEqual([]);
      expect([...finds, ...found(trace).map((line) => `daemon: ${line}`)]).toEqual([]);
    },
    120_000,
  );

  needs('linux')('an empty HOME leads to the home of the account, and not into it', async () => {
    for (const env of [{ HOME: '' }, { HOME: '.' }]) {
      const { stdout } = await run(mcpCommand, ['config', 'path'], {
        cwd: folder,
        env: { ...home.env, ...env },
      });
      expect(stdout).not.toContain(folder);
    }
    const relative = await run(mcpCommand, ['secret', 'list'], {
      cwd: folder,
      env: { ...home.env, MCP_HOME: '.mcp' },
    });
    expect(relative).toMatchObject({ code: 64, stdout: '' });
    expect(relative.stderr).toContain('MCP_HOME is no absolute path: .mcp');
  });
});
