import { spawn, spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../../../../test/kit/needs.ts';
import { createMachine, type Machine } from '../testing/machine.ts';

let machine: Machine;
let root = '';
beforeAll(() => {
  machine = createMachine();
  ({ root } = machine);
});
afterAll(() => {
  machine.remove();
});

const examine: Machine['examine'] = async (line, variables) => machine.examine(line, variables);
const listed: Machine['listed'] = (program) => machine.listed(program);

const local: [line: string, files: string][] = [
  [
    'npx tool x',
    'bin/npx package srv/node_modules/.package-lock.json package srv/node_modules/.bin/tool',
  ],
  [
    'npx tsx server.ts',
    'bin/npx package srv/node_modules/.package-lock.json package srv/node_modules/.bin/tsx script srv/server.ts',
  ],
  [
    'pnpm exec tsx server.ts',
    'bin/pnpm package srv/node_modules/.package-lock.json package srv/node_modules/.bin/tsx script srv/server.ts',
  ],
  [
    'npx -y tool@2.0.0',
    'bin/npx package srv/node_modules/.package-lock.json package srv/node_modules/.bin/tool',
  ],
  [
    'uv run --directory ROOT/srv/project server.py',
    'bin/uv package srv/project/pyproject.toml package srv/project/uv.lock interpreter srv/project/.venv/bin/python script srv/project/server.py',
  ],
  [
    'uv --directory project run serve',
    'bin/uv package srv/project/pyproject.toml package srv/project/uv.lock interpreter srv/project/.venv/bin/python script srv/project/.venv/bin/serve',
  ],
  [
    'uv run --directory project python -m served',
    'bin/uv package srv/project/pyproject.toml package srv/project/uv.lock interpreter srv/project/.venv/bin/python script srv/project/.venv/lib/python3.12/site-packages/served/__main__.py',
  ],
];

test.each(local)('%s runs what is installed here, without a limit', async (line, expected) => {
  const program = await examine(line);
  expect(listed(program).join(' ')).toBe(`command ${expected}`);
  expect([program.needsFolder, program.needsPath, program.limit]).toEqual([true, true, undefined]);
});

const limited: [line: string | readonly string[], reason: RegExp][] = [
  ['npm start', /^npm start/],
  ['yarn start', /^yarn start/],
  ['pnpm start', /^pnpm start/],
  ['npx server', /^server is not pinned to a version$/],
  ['npx -y @example/server@latest', /^@example\/server@latest is not pinned/],
  ['npx server@^1.2.3', /is not pinned/],
  ['npx server@1.2', /is not pinned/],
  ['npx -p server@1.2.3 -p other serve', /^other is not pinned/],
  ['npx github:example/server', /is not pinned/],
  ['npx -c serve', /--call/],
  ['npx --unknown server@1.2.3', /option --unknown$/],
  ['npx --prefix x server@1.2.3', /option --prefix$/],
  ['npm exec server --package=other', /behind the name/],
  ['pnpm dlx server', /is not pinned/],
  ['bun x server', /is not pinned/],
  ['uvx mcp-server-fetch', /^mcp-server-fetch is not pinned/],
  ['uvx mcp-server-fetch@latest', /is not pinned/],
  ['uvx mcp-server-fetch>=1', /is not pinned/],
  ['uvx mcp-server-fetch==1.*', /is not pinned/],
  ['uvx --with other mcp-server-fetch==1.0.0', /^other is not pinned/],
  ['uvx --from git+https://example.org/x.git serve', /is not pinned/],
  ['uv run --directory ROOT/srv/loose server.py', /not locked/],
  ['uv run ROOT/srv/inline.py', /inline.py names are not locked/],
  ['uv run --active serve', /option --active$/],
  ['uv sync', /^uv sync/],
  ['pipx run black', /^black is not pinned/],
  ['docker run -i --rm example/server', /^example\/server is not pinned/],
  ['docker run -i example/server:1.2.3', /is not pinned/],
  ['docker run --unknown example/server', /option --unknown$/],
  ['docker exec box serve', /^docker exec/],
];

test.each(limited)('%s is approved for eight hours at most', async (line, reason) => {
  const { limit } = await examine(line);
  expect(limit).toEqual({ ms: 8 * 3_600_000, reason: expect.stringMatching(reason) as string });
});

const digest = `sha256:${'a'.repeat(64)}`;
const commit = 'b'.repeat(40);
const pinned: [line: string, runner: string, name: string, version: string][] = [
  ['npx -y server@1.2.3 --flag', 'npx', 'server', '1.2.3'],
  ['npx @example/server@1.2.3-beta.1', 'npx', '@example/server', '1.2.3-beta.1'],
  ['npx --package=server@1.2.3 serve', 'npx', 'server', '1.2.3'],
  ['npx --package server@1.2.3 -- serve', 'npx', 'server', '1.2.3'],
  ['npm exec --yes -- server@1.2.3', 'npx', 'server', '1.2.3'],
  ['npm x server@1.2.3', 'npx', 'server', '1.2.3'],
  ['pnpm dlx server@1.2.3', 'pnpm dlx', 'server', '1.2.3'],
  ['yarn dlx server@1.2.3', 'yarn dlx', 'server', '1.2.3'],
  ['bun x server@1.2.3', 'bunx', 'server', '1.2.3'],
  [`npx github:example/server#${commit}`, 'npx', `github:example/server#${commit}`, commit],
  ['deno run -A npm:@example/server@1.2.3/bin', 'deno', '@example/server', '1.2.3'],
  ['uvx mcp-server-fetch==1.2.3', 'uvx', 'mcp-server-fetch', '1.2.3'],
  ['uvx mcp-server-fetch@1.2.3', 'uvx', 'mcp-server-fetch', '1.2.3'],
  ['uvx --from server[cli]==1.2.3 serve', 'uvx', 'server', '1.2.3'],
  ['uv tool run server==1.2.3', 'uv tool run', 'server', '1.2.3'],
  ['pipx run --spec server==1.2.3 serve', 'pipx run', 'server', '1.2.3'],
  [`docker run -i --rm -e TOKEN example/server@${digest}`, 'docker', 'example/server', digest],
  [
    `docker --context x run -it example/server:1@${digest} sh`,
    'docker',
    'example/server:1',
    digest,
  ],
];

test.each(pinned)('%s is pinned', async (line, runner, name, version) => {
  const program = await examine(line);
  expect(program.package).toEqual({ runner, name, pinned: version });
  expect([program.needsFolder, program.needsPath, program.limit]).toEqual([true, true, undefined]);
});

describe('the cache of npx', () => {
  const cache = 'caches/npm/_npx/6fe57a799e347326';

  test('is looked in for what would run', async () => {
    const line = 'npx -y semver@7.7.2 1.0.0';
    const environment = { npm_config_cache: 'ROOT/caches/npm' };
    expect((await examine(line, environment)).package?.installed).toBeUndefined();
    machine.put(`${cache}/node_modules/.package-lock.json`, '{"packages":{}}');
    machine.put(
      `${cache}/node_modules/semver/package.json`,
      '{"version":"7.7.2","bin":{"semver":"bin/semver.js"}}',
    );
    machine.put(`${cache}/node_modules/semver/bin/semver.js`, `#!${root}/bin/env node\n`, 0o755);
    mkdirSync(join(root, cache, 'node_modules/.bin'));
    symlinkSync('../semver/bin/semver.js', join(root, cache, 'node_modules/.bin/semver'));
    const program = await examine(line, environment);
    expect(program.package).toEqual({
      runner: 'npx',
      name: 'semver',
      pinned: '7.7.2',
      installed: '7.7.2',
    });
    expect(listed(program)).toEqual([
      'command bin/npx',
      `package ${cache}/node_modules/.package-lock.json`,
      `package ${cache}/node_modules/semver/bin/semver.js`,
      'interpreter bin/env',
      'interpreter bin/node',
    ]);
    const given = await examine('npx --cache ROOT/caches/npm semver@7.7.2');
    expect(given.package?.installed).toBe('7.7.2');
    machine.put('home/.npmrc', `registry=x\ncache = ${root}/caches/npm\n`);
    expect((await examine('npx semver@7.7.2')).package?.installed).toBe('7.7.2');
  });
});

test.skipIf(lacks('npm', 'npx'))(
  'the cache of the npx at hand is found where it is looked for',
  { timeout: 60_000 },
  async () => {
    machine.put('real/package.json', '{"name":"@tiny/server","version":"1.0.0","bin":"cli.js"}');
    machine.put('real/cli.js', '#!/usr/bin/env node\nconsole.log("ran")\n', 0o755);
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: join(root, 'lib'),
      npm_config_cache: join(root, 'caches', 'real'),
      npm_config_audit: 'false',
      npm_config_update_notifier: 'false',
    };
    const folder = join(root, 'real');
    spawnSync('npm', ['pack', '--silent'], { cwd: folder, env: environment });
    const tarball = readFileSync(join(folder, 'tiny-server-1.0.0.tgz'));
    const registry = await serveRegistry('@tiny/server', '1.0.0', tarball);
    const spec = '@tiny/server@1.0.0';
    const npx = spawn('npx', ['-y', spec], {
      cwd: folder.replace(/real$/, 'lib'),
      env: { ...environment, npm_config_registry: registry.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    npx.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(npx, 'close');
    registry.close();
    expect(said).toBe('ran\n');
    const program = await examine(`npx -y ${spec}`, environment);
    expect(program.package?.installed).toBe('1.0.0');
    expect(listed(program).filter((each) => each.startsWith('package '))).toEqual([
      expect.stringMatching(
        /^package caches\/real\/_npx\/[0-9a-f]{16}\/node_modules\/.package-lock.json$/,
      ),
      expect.stringMatching(/\/node_modules\/@tiny\/server\/cli.js$/),
    ]);
  },
);

/** A registry with one package, in as many words as npm needs. */
async function serveRegistry(
  name: string,
  version: string,
  tarball: Uint8Array,
): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.tgz') === true) {
      response.end(tarball);
      return;
    }
    const { port } = server.address() as AddressInfo;
    const dist = {
      tarball: `http://127.0.0.1:${port}/server.tgz`,
      integrity: `sha512-${hash('sha512', tarball, 'base64')}`,
    };
    const manifest = { name, version, bin: { server: 'cli.js' }, dist };
    response.end(
      JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: manifest } }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

test('a tool that uv has installed is followed, in the version that is asked for', async () => {
  const program = await examine('uvx mcp-server-git==2.0.0');
  expect(program.package).toMatchObject({ pinned: '2.0.0', installed: '2.0.0' });
  expect(listed(program).map((each) => each.replace(/^(\S+) .*\//, '$1 '))).toEqual([
    'command uvx',
    'package RECORD',
    'package mcp-server-git',
  ]);
  expect((await examine('uvx mcp-server-git==3.0.0')).package?.installed).toBeUndefined();
});
