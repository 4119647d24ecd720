import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSuccess } from '../kit/home.ts';
import { packAll } from '../kit/packed.ts';
import { run } from '../kit/run.ts';

let folder = '';
let env: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-install-'));
  const tarballs = await packAll(folder);
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  env = {
    HOME: join(folder, 'home'),
    PATH: [
      join(folder, 'prefix', 'bin'),
      dirname(process.execPath),
      '/usr/local/bin',
      '/usr/bin',
      '/bin',
    ].join(delimiter),
  };
  const options = ['--global', '--prefix', join(folder, 'prefix'), '--no-audit', '--no-fund'];
  expectSuccess(
    // With the registry's settings of whoever runs the test, and a home of its own.
    await run('npm', ['install', ...options, ...tarballs], {
      cwd: folder,
      env: { ...process.env, HOME: env['HOME'] },
    }),
  );
}, 180_000);
afterAll(async () => {
  await run('mcp', ['daemon', 'stop'], { env });
  rmSync(folder, { recursive: true, force: true });
});

describe('the packages as npm installs them', () => {
  test('are three tarballs that hold what was built, and no source or test', async () => {
    const tarballs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
    expect(tarballs).toHaveLength(3);
    for (const tarball of tarballs) {
      const { stdout } = expectSuccess(await run('tar', ['-tzf', tarball], { cwd: folder }));
      const files = stdout.trimEnd().split('\n');
      expect(files).toContain('package/LICENSE');
      expect(
        files.filter(
          (file) => !/^package\/(dist\/|bin\/|package\.json$|LICENSE$|README\.md$)/u.test(file),
        ),
      ).toEqual([]);
    }
  });

  test('give manual pages where man looks for them', async () => {
    const pages = readdirSync(join(folder, 'prefix', 'share', 'man', 'man1'));
    expect(pages).toEqual(expect.arrayContaining(['mcp.1', 'mcp-broker.1', 'mcp-secret.1']));
  });

  test('give both commands, which do the main job', async () => {
    for (const command of ['mcp', 'mcp-broker']) {
      expect((await run(command, ['--version'], { env })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/u);
    }
    const identity = join(folder, 'identity');
    writeFileSync(identity, `${await generateX25519Identity()}\n`, { mode: 0o600 });
    expectSuccess(await run('mcp', ['init', '--yes', '--identity-file', identity], { env }));
    expectSuccess(await run('mcp', ['secret', 'set', 'TOKEN', '--stdin'], { env, input: 'value' }));
    const refused = await run('mcp', ['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true'], {
      env,
    });
    expect(refused.code).toBe(77);
    expectSuccess(await run('mcp-broker', ['status'], { env }));
    expectSuccess(await run('mcp', ['daemon', 'stop'], { env }));
  });
});
