import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startFakeDaemon, type FakeDaemon } from '../fixtures/fake-daemon.ts';
import { mcpCommand } from '../kit/home.ts';
import { run, type Ended } from '../kit/run.ts';

// The code of main.cjs that a launch keeps for the next one.

const source = readFileSync(
  fileURLToPath(new URL('../../packages/cli/dist/main.cjs', import.meta.url)),
);
const value = 'value-4711';

let home: string;
let file: string;
let daemon: FakeDaemon | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'mcp-compiled-'));
  file = join(home, 'cache', `mcp-${process.version}-${process.arch}`);
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  rmSync(home, { recursive: true });
});

function mcp(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const PATH = [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter);
  return run(mcpCommand, args, { env: { HOME: home, MCP_HOME: home, PATH, ...more } });
}

/** Those of ours; beside them lies what Node compiles. */
function files(): string[] {
  const folder = dirname(file);
  return readdirSync(folder).flatMap((name) => (name.startsWith('mcp-') ? join(folder, name) : []));
}

async function launch(...options: readonly string[]): Promise<void> {
  daemon ??= await startFakeDaemon({ home, values: { '$<T>': value } });
  expect(await mcp(['exec', ...options, '--', '/usr/bin/printenv', 'T'], { T: '$<T>' })).toEqual({
    code: 0,
    stdout: `${value}\n`,
    stderr: '',
  });
}

/** A whole file, with code that V8 takes for that of `source`, since it has its length: `mcp exec` says `kept`. */
function poisoned(): Buffer {
  const script = `
    const [length] = process.argv.slice(1).map(Number);
    const body = "exports.main=async([name])=>{if(name==='exec')process.stdout.write('kept');return 0}";
    const text = '(function(exports,require,importLate){' + body.padEnd(length) + '\\n})';
    const script = new (require('node:vm').Script)(text);
    const exported = {};
    script.runInThisContext()(exported);
    exported.main([]);
    process.stdout.write(script.createCachedData());
  `;
  const { length } = source.toString();
  const { stdout: code } = spawnSync(process.execPath, ['-e', script, '--', String(length)]);
  return Buffer.concat([code, code, source]);
}

describe('compiled code', () => {
  test('is kept by a launch that a daemon has answered, for its owner alone, without a value', async () => {
    expect((await mcp(['exec', '--', 'true'])).code).toBe(0);
    expect(existsSync(file)).toBe(false);
    await launch();
    expect(files()).toEqual([file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes(value)).toBe(false);
  });

  test('is what the next launch runs, which leaves it as it is', async () => {
    await launch();
    const { ino } = statSync(file);
    await launch();
    expect(statSync(file).ino).toBe(ino);
    writeFileSync(file, poisoned());
    expect(await mcp(['exec', '--', 'true'])).toEqual({ code: 0, stdout: 'kept', stderr: '' });
  });

  const damages: [how: string, damage: (bytes: Buffer, size: number) => Buffer][] = [
    ['has a bit flipped', (bytes, size) => flip(bytes, size >> 1)],
    ['is cut short', (bytes) => bytes.subarray(0, -1)],
    ['is empty', () => Buffer.alloc(0)],
    ['belongs to another source', (bytes) => flip(bytes, bytes.length - 100)],
    // The number of V8's version stands second in its header.
    ['was made by another V8', (bytes, size) => flip(flip(bytes, 4), size + 4)],
  ];
  test.each(damages)('that %s is not run, and replaced', async (_how, damage) => {
    await launch();
    const whole = readFileSync(file);
    const damaged = damage(whole, (whole.length - source.length) / 2);
    writeFileSync(file, damaged);
    await launch();
    expect(readFileSync(file).equals(damaged)).toBe(false);
    expect(readFileSync(file).subarray(-source.length).equals(source)).toBe(true);
    const { ino } = statSync(file);
    await launch();
    expect(statSync(file).ino).toBe(ino);
  });

  test('comes from the home when that is the user’s alone, and from nowhere else', async () => {
    mkdirSync(dirname(file));
    writeFileSync(file, poisoned());
    chmodSync(home, 0o755);
    expect((await mcp(['exec', '--', 'echo', 'run'])).stdout).toBe('run\n');
    chmodSync(home, 0o700);
    expect((await mcp(['exec', '--', 'echo', 'run'])).stdout).toBe('kept');
  });

  test('of the other commands lies there too, and nowhere else', async () => {
    chmodSync(home, 0o755);
    expect((await mcp(['--version'])).code).toBe(0);
    expect(readdirSync(home)).toEqual([]);
    chmodSync(home, 0o700);
    expect((await mcp(['--version'])).code).toBe(0);
    expect(readdirSync(home)).toEqual(['cache']);
  });

  test('is kept apart by a launch that becomes its server, which runs other functions', async () => {
    await launch('--replace');
    const [first = ''] = files();
    expect(first).toBe(`${file}-replace`);
    const { ino } = statSync(first);
    await launch('--replace');
    expect(statSync(first).ino).toBe(ino);
    await launch();
    expect(files().toSorted()).toEqual([file, first]);
  });

  test('that cannot be kept keeps no launch from its way', async () => {
    mkdirSync(file, { recursive: true });
    await launch();
    expect(files()).toEqual([file]);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}
