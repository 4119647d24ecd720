import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { needs } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

// The manual pages as built.

const root = fileURLToPath(new URL('../../packages/cli/', import.meta.url));
const folder = `${root}dist/man/`;
const names = readdirSync(folder);

describe('the manual pages', () => {
  test('are those that the package names, one for the command and one for each that it has', () => {
    const { man } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { man: string[] };
    expect(man).toEqual(names.toSorted().map((name) => `./dist/man/${name}`));
    expect(names).toEqual(
      expect.arrayContaining(['mcp.1', 'mcp-broker.1', 'mcp-secret.1', 'mcp-exec.1']),
    );
  });

  needs('mandoc')('are as mandoc wants them', async () => {
    const { stdout } = await run('mandoc', [
      '-Tlint',
      '-Wstyle',
      ...names.map((name) => folder + name),
    ]);
    const lines = stdout.split('\n').filter((line) => line !== '');
    // The pages beside it are not in the manual of this machine.
    expect(lines.filter((line) => !/referenced manual not found: Xr mcp/u.test(line))).toEqual([]);
  });

  needs('man', 'linux').each(names)('%s is shown by man without a warning', async (name) => {
    const env = { ...process.env, MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' };
    const ended = await run('man', ['--warnings', '-l', folder + name], { env });
    expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
  });

  needs('mandoc')('say what the help says, as it was written', async () => {
    const { stdout } = await run('mandoc', ['-Tutf8', '-Owidth=100', `${folder}mcp-exec.1`]);
    // Bold is a character over itself.
    const plain = stdout.replaceAll(/.[\b]/gu, '');
    expect(plain).toContain("mcp exec --env API_TOKEN='$<API_TOKEN>' -- node server.js\n");
    expect(plain).toContain('--wait-approval DURATION');
    expect(plain).toContain('mcp exec [options] COMMAND [ARG...]');
  });
});
