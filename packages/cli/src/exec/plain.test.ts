import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { execFixture, node } from './fixture.ts';

const fixture = execFixture();
let nvm = '';
let own = '';
beforeEach(() => {
  nvm = join(fixture.home, 'nvm');
  own = join(fixture.home, 'own');
  for (const folder of [nvm, own]) {
    mkdirSync(folder);
    writeFileSync(join(folder, 'both'), `#!/bin/sh\necho ${folder}\n`, { mode: 0o755 });
  }
  const line = `#!/bin/sh\nexec ${node} -p process.env.PATH\n`;
  writeFileSync(join(nvm, 'tool'), line, { mode: 0o755 });
});

function configure(text: string, name = 'config.yaml'): string {
  const file = join(fixture.home, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}
const withNvm = (): string => `version: "1.0"\nsettings:\n  path: [${nvm}, ${own}]\n`;

describe('a command without references that the client’s PATH does not have', () => {
  test('is found by settings.path, which the server has behind its own, and no daemon is started', async () => {
    configure(withNvm());
    expect(await fixture.mcp(['exec', '--', 'tool'], { PATH: own })).toMatchObject({
      code: 0,
      stdout: `${own}:${nvm}\n`,
      stderr: '',
    });
    const set = ['exec', '--env', `PATH=${own}`, '--', 'tool'];
    expect((await fixture.mcp(set)).stdout).toBe(`${own}:${nvm}\n`);
    expect(existsSync(join(fixture.home, 'run'))).toBe(false);
  });

  test('is found by that of --config', async () => {
    const file = configure(withNvm(), 'other.yaml');
    const args = ['--config', file, 'exec', '--', 'tool'];
    expect(await fixture.mcp(args, { PATH: own })).toMatchObject({ code: 0 });
  });

  test.each<[what: string, config: () => string | undefined, searched: () => string, hint: RegExp]>(
    [
      ['nor settings.path', withNvm, () => `${own}:${nvm}`, /settings\.path in config\.yaml$/mu],
      [
        'and no config.yaml gives more',
        () => undefined,
        () => own,
        /settings\.path in config\.yaml$/mu,
      ],
      [
        'and a broken config.yaml gives more',
        () => 'x: [',
        () => own,
        /hint: .* mcp config check$/mu,
      ],
    ],
  )('%s: 127, and the folders that were searched', async (_what, config, searched, hint) => {
    const text = config();
    if (text !== undefined) configure(text);
    const { code, stderr } = await fixture.mcp(['exec', '--', 'no-such'], { PATH: own });
    expect(stderr).toContain(`command not found: no-such (in ${searched()})\n`);
    expect(stderr).toMatch(hint);
    expect(code).toBe(127);
  });

  test('and that is a path is not looked for', async () => {
    configure(withNvm());
    const { code, stderr } = await fixture.mcp(['exec', '--', './tool', 'x'], { PATH: own });
    expect({ code, stderr }).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('command not found: ./tool\n') as string,
    });
  });
});

test('what the client’s PATH has is run, and the configuration is not read', async () => {
  configure('x: [');
  expect(await fixture.mcp(['exec', '--', 'both'], { PATH: own })).toMatchObject({
    code: 0,
    stdout: `${own}\n`,
    stderr: '',
  });
});
