import { randomBytes } from 'node:crypto';
import { chown, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateX25519Identity } from 'age-encryption';
import { run, type Ended, type RunOptions } from './run.ts';

/** The installed command, as built. */
export const mcpCommand: string = fileURLToPath(
  new URL('../../packages/cli/bin/mcp', import.meta.url),
);

/** A person's folder of its own, with the broker's home in it, removed at the end. */
export interface Home {
  /** HOME. */
  readonly folder: string;
  /** `~/.mcp`. */
  readonly broker: string;
  readonly passphrase: string;
  /** The Node that it is all run with: one that the home's owner may execute. */
  readonly node: string;
  /** What an MCP client's child would see: little more than HOME and PATH. */
  readonly env: Readonly<Record<string, string>>;
  mcp(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Stores a value; throws when that fails. */
  set(name: string, value: string | Uint8Array): Promise<void>;
  /** Launches once to get the request, approves it with the passphrase; gives the id. */
  approve(execArgs: readonly string[], options?: RunOptions): Promise<string>;
  remove(): Promise<void>;
}

export interface HomeOptions {
  /** `sealed`: with a passphrase (slow, by design); `identity`: with an identity file; `empty`: not set up. */
  readonly kind: 'sealed' | 'identity' | 'empty';
  /** Address of a session bus; null: the config says it; without it there is none, whatever this machine has. */
  readonly bus?: string | null;
  /** The user whose folder it is, by number; who runs the tests unless told. */
  readonly owner?: number;
}

export async function createHome({ kind, bus, owner }: HomeOptions): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-home-'));
  const node = owner === undefined ? process.execPath : await copyNode(folder);
  if (owner !== undefined) await chown(folder, owner, owner);
  const broker = join(folder, '.mcp');
  const passphrase = randomBytes(12).toString('base64url');
  const env = {
    HOME: folder,
    // A keychain that this machine may have is not ours to write to.
    ...(bus === null ? {} : { DBUS_SESSION_BUS_ADDRESS: bus ?? 'disabled:' }),
    PATH: [dirname(node), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  };

  const home: Home = {
    folder,
    broker,
    passphrase,
    node,
    env,
    mcp: (args, options = {}) =>
      run(mcpCommand, args, { ...options, env: { ...env, ...options.env } }),
    async set(name, value) {
      expectSuccess(await home.mcp(['secret', 'set', name, '--stdin'], { input: value }));
    },
    async approve(execArgs, options) {
      const refused = await home.mcp(['exec', ...execArgs], options);
      const id = /approve ([0-9A-Z]{4})$/mu.exec(refused.stderr)?.[1];
      if (refused.code !== 77 || id === undefined)
        throw new Error(`no approval was asked for: ${refused.stderr}`);
      expectSuccess(await home.mcp(['approve', id, '--fd', '3'], { fd3: `${passphrase}\n` }));
      return id;
    },
    async remove() {
      await home.mcp(['daemon', 'stop']);
      await rm(folder, { recursive: true, force: true });
    },
  };

  if (kind === 'sealed') {
    expectSuccess(await home.mcp(['init', '--yes', '--fd', '3'], { fd3: `${passphrase}\n` }));
  } else if (kind === 'identity') {
    const file = join(folder, 'identity');
    await writeFile(file, `${await generateX25519Identity()}\n`, { mode: 0o600 });
    expectSuccess(await home.mcp(['init', '--yes', '--identity-file', file]));
  }
  return home;
}

/** The Node of whoever runs the tests may lie in a folder that nobody else can enter. */
async function copyNode(folder: string): Promise<string> {
  const node = join(folder, 'node', 'bin', 'node');
  await mkdir(dirname(node), { recursive: true });
  await copyFile(process.execPath, node);
  return node;
}

export function expectSuccess(ended: Ended): Ended {
  if (ended.code === 0) return ended;
  throw new Error(`exit ${ended.code}: ${ended.stderr}${ended.stdout}`);
}

/** The lines of the audit log, parsed. */
export async function auditLines(home: Home): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(home.broker, 'audit', 'current.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
