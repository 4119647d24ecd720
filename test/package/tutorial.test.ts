import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { packAll } from '../kit/packed.ts';
import { killAll, processesWith, untilGone } from '../kit/processes.ts';
import { readTutorial, startPlayer } from '../kit/tutorial.ts';
import { lacksPrepared } from '../services/prepared.ts';
import { npx, npxEnvironment } from '../services/npx.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const steps = readTutorial(readFileSync(join(root, 'docs', 'tutorial.md'), 'utf8'));
const commands = steps.flatMap((step) => (step.kind === 'command' ? [step.line] : []));

test('a first server takes six commands', () => {
  const removal = commands.findIndex((line) => line.includes('--reveal'));
  expect(removal).toBe(6);
});

test.skipIf(lacksPrepared(npx))(
  'every line of the tutorial does what it says, and the last ones leave nothing behind',
  async () => {
    await npx.make();
    const folder = mkdtempSync(join(tmpdir(), 'mcp-tutorial-'));
    const home = join(folder, 'home');
    const prefix = join(folder, 'prefix');
    mkdirSync(home, { mode: 0o700 });
    mkdirSync(join(prefix, 'bin'), { recursive: true });
    const inspector = join(root, 'test', 'node_modules', '.bin', 'mcp-inspector');
    symlinkSync(inspector, join(prefix, 'bin', 'mcp-inspector'));
    // What the server's own npm is told: clients hand on little more than HOME and PATH.
    const settings = Object.entries(npxEnvironment()).map(
      ([name, value]) => `${name.slice('npm_config_'.length).replaceAll('_', '-')}=${value}\n`,
    );
    writeFileSync(join(home, '.npmrc'), settings.join(''));
    const before = everything(home);
    const prefixBefore = everything(prefix);
    const env = {
      HOME: home,
      // As on a machine without a keychain, whatever this one has.
      DBUS_SESSION_BUS_ADDRESS: 'disabled:',
      MCP_INSPECTOR_SECRET_STORE: 'memory',
      PATH: [
        join(prefix, 'bin'),
        dirname(process.execPath),
        '/usr/local/bin',
        '/usr/bin',
        '/bin',
      ].join(delimiter),
    };
    try {
      const published = publishedTo(await packAll(folder), prefix, folder);
      const player = await startPlayer({ cwd: home, env });
      for (const step of steps) {
        if (step.kind === 'file') writeFileSync(join(home, 'mcp.json'), step.text);
        else await player.play(published(step.line), step.screen);
      }
      rmSync(join(home, 'mcp.json'));
      expect(await player.end()).toBe(0);
      await untilGone(() => processesWith('HOME', home));
      expect(readdirSync(home)).toEqual(['.npmrc']);
      expect(everything(home)).toEqual(before);
      expect(everything(prefix)).toEqual(prefixBefore);
    } finally {
      killAll(processesWith('HOME', home));
      rmSync(folder, { recursive: true });
    }
  },
  180_000,
);

/** In the place of the registry that the packages would come from: their tarballs, in a prefix of the test's own. */
function publishedTo(
  tarballs: readonly string[],
  prefix: string,
  folder: string,
): (line: string) => string {
  const own = {
    npm_config_prefix: prefix,
    npm_config_cache: join(folder, 'cache'),
    npm_config_offline: 'false',
  };
  const theirs = Object.entries(process.env).filter(([name]) =>
    /^npm_config_|^NODE_EXTRA_CA_CERTS$/u.test(name),
  );
  const environment = Object.entries({ ...Object.fromEntries(theirs), ...own })
    .map(([name, value]) => `${name}='${value}'`)
    .join(' ');
  return (line) => {
    if (line === 'npm install -g @mcp-broker/cli')
      return `${environment} npm install -g --no-audit --no-fund ${tarballs.join(' ')}`;
    if (line === 'npm uninstall -g @mcp-broker/cli')
      return `${environment} npm uninstall -g ${['cli', 'daemon', 'providers'].map((name) => `@mcp-broker/${name}`).join(' ')}`;
    return line;
  };
}

/** Files alone: npm leaves empty folders of its own. */
function everything(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}
