import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createHome, expectSuccess, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { run } from '../kit/run.ts';

const document = readFileSync(new URL('../../docs/command-backends.md', import.meta.url), 'utf8');

/** A script of the document, as it stands there. */
function script(name: string): string {
  const found = new RegExp(`^\`\`\`sh ${name}\\n(.*?)^\`\`\``, 'msu').exec(document)?.[1];
  if (found === undefined) throw new Error(`no script ${name} in the document`);
  return found;
}

/** The words after `add-command-backend NAME`, as they stand in the document. */
function addLine(name: string): string {
  const found = new RegExp(`^(mcp config add-command-backend ${name} .*)$`, 'mu').exec(document);
  return found?.[1] ?? '';
}

let home: Home;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  mkdirSync(join(home.folder, 'bin'));
}, 60_000);
afterAll(async () => {
  await home.remove();
});

function install(name: string): string {
  const file = join(home.folder, 'bin', name);
  writeFileSync(file, script(name), { mode: 0o755 });
  return file;
}

const print = ['sh', '-c', 'printf %s "$T"'];
const launch = (name: string): string[] => ['--env', `T=$<${name}>`, '--', ...print];

/** The line of the document, in a shell, with more words and the passphrase. */
async function add(line: string, more = ''): Promise<void> {
  const words = line.replaceAll('/home/me', home.folder).replace(/^mcp /u, '"$MCP" ');
  const env = { ...home.env, MCP: mcpCommand };
  const ended = await run('sh', ['-c', `${words} ${more} --fd 3`], { env, fd3: home.passphrase });
  expectSuccess(ended);
}

/** Writes their entries, and waits until the daemon has them. */
async function variables(names: readonly string[], backend: string): Promise<void> {
  const file = join(home.broker, 'config.yaml');
  const before = readFileSync(file, 'utf8');
  const entries = names.map((name) => `  ${name}: {backend: ${backend}}\n`).join('');
  const head = before.includes('\nvariables:\n') ? '' : '\nvariables:\n';
  writeFileSync(file, `${before}${head}${entries}`);
  const last = names.at(-1) ?? '';
  await vi.waitFor(
    async () => {
      const { stdout, stderr } = await home.mcp(['secret', 'show', last]);
      if (!new RegExp(`backend +${backend}`, 'u').test(stdout + stderr)) throw new Error(stderr);
    },
    { timeout: 30_000 },
  );
}

describe.skipIf(lacks('pass', 'gpg'))("with Debian's pass", () => {
  let store: string;
  let tools: Record<string, string>;
  const pass = (args: readonly string[], input = ''): string =>
    execFileSync('pass', args, { env: tools, input, encoding: 'utf8', stdio: 'pipe' });

  beforeAll(async () => {
    // Short: the agent's socket lies in it.
    store = mkdtempSync(join(tmpdir(), 'mcp-pass-'));
    tools = {
      HOME: home.folder,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      GNUPGHOME: join(store, 'gnupg'),
      PASSWORD_STORE_DIR: join(store, 'store'),
    };
    mkdirSync(join(store, 'gnupg'), { mode: 0o700 });
    const key = ['--batch', '--passphrase', '', '--quick-gen-key', 'mcp@example.com'];
    execFileSync('gpg', key, { env: tools, stdio: 'pipe' });
    pass(['init', 'mcp@example.com']);
    pass(['insert', '--multiline', 'mcp/DEPLOY_TOKEN'], 'from-pass\n');
    const own = `GNUPGHOME=${tools['GNUPGHOME']} PASSWORD_STORE_DIR=${tools['PASSWORD_STORE_DIR']}`;
    await add(addLine('pass'), `--env '${own}' --list ${install('pass-list')}`);
    await variables(['DEPLOY_TOKEN', 'NEW_TOKEN', 'ABSENT'], 'pass');
  }, 120_000);
  afterAll(() => {
    execFileSync('gpgconf', ['--kill', 'all'], { env: tools });
    rmSync(store, { recursive: true, force: true });
  });

  test('a launch gets what the store holds', async () => {
    await home.approve(launch('DEPLOY_TOKEN'));
    const { code, stdout } = await home.mcp(['exec', ...launch('DEPLOY_TOKEN')]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'from-pass' });
  });

  test('a value goes in on stdin, and is listed by its name', async () => {
    await home.set('NEW_TOKEN', 'two\nlines');
    expect(pass(['show', 'mcp/NEW_TOKEN'])).toBe('two\nlines');
    const listed = await home.mcp(['secret', 'list', '--backend', 'pass']);
    expect(listed.stdout).toMatch(/^DEPLOY_TOKEN .*^NEW_TOKEN /msu);
  });

  test('what the store does not have is unknown, and a default stands in', async () => {
    await home.approve(launch('ABSENT'));
    expect((await home.mcp(['exec', ...launch('ABSENT')])).code).toBe(66);
    const args = ['--env', 'T=$<ABSENT:-none>', '--', ...print];
    await home.approve(args);
    expect((await home.mcp(['exec', ...args])).stdout).toBe('none');
  });

  test('a key that is not there is a failure, told with what gpg says, and no default stands in', async () => {
    const args = ['--env', 'T=$<DEPLOY_TOKEN:-none>', '--', ...print];
    await home.approve(args);
    rmSync(join(store, 'gnupg', 'private-keys-v1.d'), { recursive: true });
    execFileSync('gpgconf', ['--kill', 'all'], { env: tools });
    expectSuccess(await home.mcp(['cache', 'clear']));
    const { code, stdout, stderr } = await home.mcp(['exec', ...args]);
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' });
    expect(stderr).toContain('the get command of backend pass failed with exit status 2: gpg: ');
  });
});

describe.skipIf(lacks('age', 'age-keygen'))('with age', () => {
  beforeAll(async () => {
    const config = join(home.folder, '.config', 'age');
    mkdirSync(config, { recursive: true });
    mkdirSync(join(home.folder, 'age-secrets'));
    const made = execFileSync('age-keygen', { stdio: 'pipe' });
    writeFileSync(join(config, 'identity'), made, { mode: 0o600 });
    install('age-secret');
    await add(addLine('age'));
    await variables(['AGE_TOKEN', 'AGE_ABSENT'], 'age');
  }, 60_000);

  test('a value goes into a file of its own, and comes back', async () => {
    await home.set('AGE_TOKEN', 'with a newline\n');
    const file = join(home.folder, 'age-secrets', 'AGE_TOKEN.age');
    expect(readFileSync(file, 'latin1')).toMatch(/^age-encryption\.org\/v1\n/u);
    await home.approve(launch('AGE_TOKEN'));
    expect((await home.mcp(['exec', ...launch('AGE_TOKEN')])).stdout).toBe('with a newline\n');
    const listed = await home.mcp(['secret', 'list', '--backend', 'age']);
    expect(listed.stdout).toContain('AGE_TOKEN');
  });

  test('what is in no file is unknown', async () => {
    await home.approve(launch('AGE_ABSENT'));
    expect((await home.mcp(['exec', ...launch('AGE_ABSENT')])).code).toBe(66);
  });
});
