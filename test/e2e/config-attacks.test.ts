import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError, type AuditVerdict } from '@mcp-broker/daemon/protocol';
import type { Client } from '@mcp-broker/daemon/client';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { lacks } from '../kit/needs.ts';
import { connectTo } from '../kit/protocol.ts';
import { startPty } from '../kit/pty.ts';

// A process of the same user that writes the config. No launch runs from this process: the daemon would
// take what descends from it for a server.

/** Puts in the place of the first file, over and over: a link to the second, the third, and the fourth. */
const swapping = `
  const { copyFileSync, renameSync, symlinkSync } = require('node:fs');
  const [file, linked, ...others] = process.argv.slice(1);
  for (let n = 0; process.ppid === ${process.pid}; n++) {
    if (n % 3 === 0) symlinkSync(linked, file + '.new');
    else copyFileSync(others[n % 3 - 1], file + '.new');
    renameSync(file + '.new', file);
    if (n === 0) console.log('began');
    // Long enough for a good file to be met whole.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, n % 5);
  }`;

let home: Home;
let client: Client;
let file = '';
let text = '';
let id = '';
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  file = join(home.broker, 'config.yaml');
  text = readFileSync(file, 'utf8').replace('presence: terminal', 'presence: passphrase');
  writeFileSync(file, text);
  const first = await connectTo(home);
  await first.call('config.reload', {});
  first.close();
  const refused = await home.mcp(['exec', '--env', 'TOKEN=$<TOKEN>', '--', '/bin/true']);
  id = /approve (\w{4})$/mu.exec(refused.stderr)?.[1] ?? '';
}, 60_000);
beforeEach(async () => {
  client = await connectTo(home);
});
afterEach(() => {
  client.close();
});
afterAll(async () => {
  await home.remove();
});

async function reload(): Promise<string> {
  try {
    await client.call('config.reload', {});
    return 'read';
  } catch (error) {
    if (error instanceof BrokerError) return error.code;
    throw error;
  }
}

const backends = async (): Promise<string[]> =>
  (await client.call('broker.status', {})).result.backends.map(({ name }) => name);

test.skipIf(lacks('python3'))(
  'B4: a config that is swapped while it is read again is read whole, never through a link, and relaxes nothing',
  async () => {
    const put = (name: string, content: string): string => {
      const path = join(home.folder, name);
      writeFileSync(path, content, { mode: 0o600 });
      return path;
    };
    const vault =
      '{kind: vault, url: "https://vault.example.net", auth_method: token, path: secret/mcp}';
    const linked = put('linked.yaml', `${text}backends: {linked: ${vault}}\n`);
    // As a file of its own it would be believed, and seen.
    copyFileSync(linked, file);
    expect(await reload()).toBe('read');
    expect(await backends()).toContain('linked');
    writeFileSync(file, text);
    expect(await reload()).toBe('read');
    const loose = put('loose.yaml', text.replace('presence: passphrase', 'presence: terminal'));
    const strict = put('strict.yaml', text);
    const swapper = spawn(process.execPath, ['-e', swapping, file, linked, loose, strict], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(swapper.stdout, 'data');
    const seen: Record<string, number> = { read: 0, ERR_INSECURE_FILE: 0 };
    try {
      const deadline = performance.now() + 30_000;
      while (Math.min(...Object.values(seen)) < 50 && performance.now() < deadline) {
        const outcome = await reload();
        seen[outcome] = (seen[outcome] ?? 0) + 1;
        expect(await backends()).not.toContain('linked');
      }
    } finally {
      const ended = once(swapper, 'exit');
      swapper.kill();
      await ended;
      // It may have ended on a link.
      rmSync(file);
      writeFileSync(file, text, { mode: 0o600 });
    }
    expect(Object.keys(seen)).toEqual(['read', 'ERR_INSECURE_FILE']);
    expect(Math.min(...Object.values(seen))).toBeGreaterThanOrEqual(50);
    const terminal = startPty(mcpCommand, ['approve', id], { env: home.env });
    await terminal.see(/settings\.presence asks for the passphrase/u);
    await terminal.ended;
  },
);

test('B4, B18: a config that keeps the audit for no time removes not a line while the daemon runs', async () => {
  writeFileSync(file, `${text}audit: {keep: 0s, rotate_at: 4KiB}\n`);
  for (let times = 0; times < 100; times++) expect(await reload()).toBe('read');
  const files = readdirSync(join(home.broker, 'audit')).filter((name) => name.endsWith('.jsonl'));
  expect(files.length).toBeGreaterThan(3);
  const lines = files.flatMap((name) =>
    readFileSync(join(home.broker, 'audit', name), 'utf8')
      .trimEnd()
      .split('\n'),
  );
  const numbers = lines.map((line) => (JSON.parse(line) as { seq: number }).seq);
  expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  const { stdout } = await home.mcp(['audit', 'verify', '--json']);
  const verdict = JSON.parse(stdout) as AuditVerdict;
  expect(verdict.ok).toBe(true);
  // The watch of the file adds a line of its own now and then.
  expect(verdict.lines).toBeGreaterThanOrEqual(lines.length);
});
