import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity } from 'age-encryption';
import { expect, test } from 'vitest';
import { createHome, expectSuccess, mcpCommand } from '../kit/home.ts';

test('an identity that systemd lends to the unit serves a home without a passphrase', async () => {
  const home = await createHome({ kind: 'empty' });
  try {
    // What `LoadCredential=mcp-broker-identity:…` gives to a unit.
    const credentials = join(home.folder, 'credentials');
    mkdirSync(credentials, { mode: 0o700 });
    mkdirSync(home.broker, { mode: 0o700 });
    const identity = `${await generateX25519Identity()}\n`;
    writeFileSync(join(credentials, 'mcp-broker-identity'), identity, { mode: 0o400 });
    const daemon = spawn(mcpCommand, ['daemon', 'run'], {
      env: { ...home.env, CREDENTIALS_DIRECTORY: credentials },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await once(daemon.stderr, 'data');

    expectSuccess(await home.mcp(['init', '--yes']));
    await home.set('TOKEN', 'value');
    expectSuccess(await home.mcp(['lock']));
    expect((await home.mcp(['exec', '--env', 'T=$<TOKEN>', '--', '/bin/true'])).code).toBe(75);
    expectSuccess(await home.mcp(['unlock']));
    expect((await home.mcp(['exec', '--env', 'T=$<TOKEN>', '--', '/bin/true'])).code).toBe(77);

    expectSuccess(await home.mcp(['daemon', 'stop']));
    const alone = await home.mcp(['secret', 'list']);
    expect(alone.code).toBe(75);
  } finally {
    await home.remove();
  }
});
