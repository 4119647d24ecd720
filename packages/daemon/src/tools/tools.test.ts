import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig, type Config } from '../config/index.ts';
import { createDigests } from '../program/digests.ts';
import { createPrograms } from '../program/program.ts';
import { createTools, type Tools } from './tools.ts';

let folder = '';
let tool = '';
let config: Config;
let tools: Tools;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-tools-')));
  tool = join(folder, 'tool');
  writeFileSync(tool, '#!/bin/sh\necho value\n', { mode: 0o755 });
  configure('    get: [tool, get]\n    env: {OWN: setting}\n');
  tools = createTools({
    paths: { config: join(folder, 'config.yaml') },
    programs: createPrograms(createDigests()),
    config: () => config,
  });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function configure(entry: string, settings = `path: [${folder}, /usr/bin, /bin]`): void {
  const text = `version: "1.0"\nsettings: {${settings}}\nbackends:\n  own:\n    kind: command\n${entry}`;
  ({ config } = parseConfig(text, 'config.yaml'));
}

const settings = (): unknown => config.backends['own']?.settings;
const admit = (operation: 'get' | 'set' = 'get'): ReturnType<Tools['admit']> =>
  tools.admit('own', settings(), operation);
const fingerprint = async (): Promise<string> => (await tools.examine('own'))?.fingerprint ?? '';

describe('what a backend runs', () => {
  test('is described like a launch', async () => {
    const { origin, argv, files, environment, searchPath } =
      (await tools.examine('own'))?.description ?? {};
    expect({ origin, argv, environment, searchPath }).toEqual({
      origin: `backend own in ${folder}/config.yaml`,
      argv: ['tool', 'get'],
      environment: [{ name: 'OWN', value: 'setting', origin: 'entry' }],
      searchPath: `${folder}:/usr/bin:/bin`,
    });
    expect(files).toMatchObject([
      { role: 'command', path: tool },
      { role: 'interpreter', path: realpathSync('/bin/sh') },
    ]);
  });

  test('is nothing for a backend of another kind, or one that is not there', async () => {
    expect(await tools.examine('sealed')).toBeUndefined();
    expect(await tools.examine('none')).toBeUndefined();
  });

  test.each<[what: string, change: () => void]>([
    ['another line in its script', () => writeFileSync(tool, '#!/bin/sh\necho other\n')],
    ['another argument', () => configure('    get: [tool, got]\n    env: {OWN: setting}\n')],
    ['another environment', () => configure('    get: [tool, get]\n    env: {OWN: other}\n')],
    [
      'one command more',
      () => configure('    get: [tool, get]\n    env: {OWN: setting}\n    set: [tool, set]\n'),
    ],
    [
      'another proxy',
      () =>
        configure(
          '    get: [tool, get]\n    env: {OWN: setting}\n',
          `path: [${folder}, /usr/bin, /bin], proxy: {https: "http://p:1"}`,
        ),
    ],
    [
      'another PATH',
      () => configure('    get: [tool, get]\n    env: {OWN: setting}\n', `path: [${folder}, /bin]`),
    ],
  ])('has another fingerprint with %s', async (_what, change) => {
    const before = await fingerprint();
    change();
    expect(await fingerprint()).not.toBe(before);
  });

  test('has the same with other times', async () => {
    const before = await fingerprint();
    configure('    get: [tool, get]\n    env: {OWN: setting}\n    timeout: 5s\n    ttl: 1s\n');
    expect(await fingerprint()).toBe(before);
  });

  test.each(['[sh]', '[env]', '[node]', '[sh, "{name}"]'])(
    'is refused where the name of a variable would be the program: %s',
    async (get) => {
      configure(`    get: ${get}\n`, `path: [${dirname(process.execPath)}, /usr/bin, /bin]`);
      await expect(tools.examine('own')).rejects.toMatchObject({ code: 'ERR_COMMAND_NOT_FOUND' });
    },
  );

  test('that is not there is named', async () => {
    configure('    get: [no-such-tool]\n');
    await expect(tools.examine('own')).rejects.toMatchObject({
      code: 'ERR_COMMAND_NOT_FOUND',
      message: 'the get command of backend own: command not found: no-such-tool',
    });
  });
});

describe('a run', () => {
  test('is admitted while its fingerprint has a permit, and not before or after', async () => {
    await expect(admit()).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
    const releases = [tools.permit(await fingerprint()), tools.permit(await fingerprint())];
    const admitted = await admit();
    expect(admitted).toMatchObject({ file: tool, argv: ['tool', 'get'] });
    expect(admitted.environment).toMatchObject({ OWN: 'setting' });
    admitted.release();
    releases[0]?.();
    // Twice is once.
    releases[0]?.();
    (await admit()).release();
    releases[1]?.();
    await expect(admit()).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
  });

  test('is refused once what it would run has changed under its permit', async () => {
    tools.permit(await fingerprint());
    writeFileSync(tool, '#!/bin/sh\necho other\n');
    await expect(admit()).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
  });

  test('has the PATH that was looked at, also when the config changes during the look', async () => {
    tools.permit(await fingerprint());
    const before = settings();
    const admitting = tools.admit('own', before, 'get');
    configure('    get: [tool, get]\n    env: {OWN: setting}\n', 'path: [/elsewhere]');
    const { environment, release } = await admitting;
    release();
    expect(environment['PATH']).toBe(`${folder}:/usr/bin:/bin`);
  });

  test('is refused for a command that the backend does not have', async () => {
    tools.permit(await fingerprint());
    await expect(admit('set')).rejects.toMatchObject({ code: 'ERR_NOT_APPROVED' });
  });
});
