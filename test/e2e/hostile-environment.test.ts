import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { needs } from '../kit/needs.ts';

// Whoever starts us has an environment that runs code in Node, or makes Node write down what it holds.

let home: Home;
let folder = '';
let evil = '';
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  folder = join(home.folder, 'hostile');
  mkdirSync(join(folder, 'modules', 'koffi'), { recursive: true });
  evil = join(folder, 'evil.cjs');
  const marker = JSON.stringify(join(folder, 'ran-'));
  const text = `require('node:fs').writeFileSync(${marker} + process.pid, process.argv.join(' '))`;
  for (const file of [evil, join(folder, 'modules', 'koffi', 'index.js')])
    writeFileSync(file, text);
}, 60_000);
afterAll(async () => {
  await home.remove();
});

const hostile = (): Record<string, string> => ({
  NODE_OPTIONS: `--require ${evil}`,
  NODE_PATH: join(folder, 'modules'),
  NODE_REPL_EXTERNAL_MODULE: evil,
  NODE_V8_COVERAGE: join(folder, 'coverage'),
  NODE_COMPILE_CACHE: join(folder, 'compiled'),
  NODE_REDIRECT_WARNINGS: join(folder, 'warnings'),
  NODE_DEBUG: 'net,fs,module,child_process',
  NODE_DEBUG_NATIVE: 'mksnapshot',
  NODE_PENDING_DEPRECATION: '1',
  NODE_EXTRA_CA_CERTS: join(folder, 'no-such-certificate'),
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
  NODE_CHANNEL_FD: '0',
  NODE_UNIQUE_ID: '7',
  NODE_TEST_CONTEXT: 'child',
  NODE_ICU_DATA: folder,
  NODE_PRESERVE_SYMLINKS: '1',
  NODE_USE_ENV_PROXY: '1',
  WATCH_REPORT_DEPENDENCIES: '1',
  OPENSSL_CONF: join(folder, 'no-such-config'),
  OPENSSL_ENGINES: folder,
  OPENSSL_MODULES: folder,
  SSLKEYLOGFILE: join(folder, 'keys'),
  SSL_CERT_FILE: join(folder, 'no-such-certificates'),
  UV_THREADPOOL_SIZE: '1',
  BASH_ENV: evil,
  ENV: evil,
  PYTHONSTARTUP: evil,
  https_proxy: 'http://127.0.0.1:9',
});
const given = ['evil.cjs', 'modules'];

describe('A5: under an environment that runs code', () => {
  const args = ['--env', 'TOKEN=$<TOKEN>', '--', '/usr/bin/env'];

  test('neither the command nor the daemon does, and the server has it whole', async () => {
    expectSuccess(await home.mcp(['daemon', 'stop']));
    const env = hostile();
    // The first use: it starts the daemon, from there.
    expectSuccess(await home.mcp(['unlock', '--fd', '3'], { env, fd3: home.passphrase }));
    for (const command of [['status'], ['secret', 'list'], ['audit', 'tail'], ['config', 'check']])
      expect(await home.mcp(command, { env })).toMatchObject({ code: 0, stderr: '' });
    const refused = await home.mcp(['exec', ...args], { env });
    const id = /approve (\w{4})$/mu.exec(refused.stderr)?.[1] ?? '';
    expectSuccess(await home.mcp(['approve', id, '--fd', '3'], { env, fd3: home.passphrase }));

    const { code, stdout, stderr } = await home.mcp(['exec', ...args], { env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.split('\n');
    for (const [name, value] of Object.entries(env)) expect(lines).toContain(`${name}=${value}`);
    expect(lines).toContain('TOKEN=value');
    expect(stdout).not.toContain('MCP_ASIDE_');
    expect(readdirSync(folder).sort()).toEqual(given);
  });

  needs('root', 'linux')('the daemon that it started has nothing of it', async () => {
    const { stdout } = await home.mcp(['status', '--json'], { env: hostile() });
    const { pid } = JSON.parse(stdout) as { pid: number };
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((entry) => entry.split('=')[0] ?? '');
    expect(names.filter((name) => name in hostile())).toEqual([]);
  });

  test('the server runs it, as it would without us, and nobody else does', async () => {
    const server = [process.execPath, '-e', 'process.stdout.write(process.env.TOKEN)'];
    const launch = ['--env', 'TOKEN=$<TOKEN>', '--', ...server];
    const env = { NODE_OPTIONS: `--require ${evil}` };
    await home.approve(launch, { env });
    expect(await home.mcp(['exec', ...launch], { env })).toMatchObject({ stdout: 'value' });
    const ran = readdirSync(folder).filter((name) => name.startsWith('ran-'));
    expect(ran.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual([process.execPath]);
  });
});
