import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { examine, idsOf } from '../kit/doctor.ts';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';
import { keychainNeeds, startKeychain, type Keychain } from '../kit/keychain.ts';
import { lacks } from '../kit/needs.ts';

let home: Home;
let keychain: Keychain | undefined;
afterEach(async () => {
  await home.remove();
  await keychain?.remove();
  keychain = undefined;
});

function writeSettings(...lines: readonly string[]): void {
  const file = join(home.broker, 'config.yaml');
  const text = readFileSync(file, 'utf8').replace(
    /^ {2}(?:default_backend|session_bus):.*\n/gmu,
    '',
  );
  writeFileSync(file, text.replace(/^settings:$/mu, ['settings:', ...lines].join('\n  ')));
}

/** By the daemon, and then by the command alone. */
async function both(): Promise<string[][]> {
  expectSuccess(await home.mcp(['daemon', 'restart']));
  const asked = idsOf(await examine(home));
  expectSuccess(await home.mcp(['daemon', 'stop']));
  return [asked, idsOf(await examine(home))];
}

describe.skipIf(lacks(...keychainNeeds))('a keychain that secrets lie in', () => {
  test('is no finding when it works', async () => {
    keychain = await startKeychain();
    home = await createHome({ kind: 'identity', bus: null });
    writeSettings('default_backend: keychain', `session_bus: ${keychain.bus}`);
    expect(await both()).toEqual([[], []]);
  });

  test('is advice when it is locked', async () => {
    keychain = await startKeychain();
    home = await createHome({ kind: 'identity', bus: null });
    writeSettings('default_backend: keychain', `session_bus: ${keychain.bus}`);
    keychain.lock();
    expect(await both()).toEqual([['keychain-locked'], ['keychain-locked']]);
  });

  test('is wrong when nobody keeps one, or there is no bus', async () => {
    keychain = await startKeychain({ keyring: false });
    home = await createHome({ kind: 'identity', bus: null });
    writeSettings('default_backend: keychain', `session_bus: ${keychain.bus}`);
    expect(await both()).toEqual([['keychain-absent'], ['keychain-absent']]);
    writeSettings('default_backend: keychain', 'session_bus: unix:path=/nowhere/bus');
    expect(await both()).toEqual([['keychain-no-bus'], ['keychain-no-bus']]);
  });
});

test('a keychain that is not there is no finding where no secret lies in it', async () => {
  home = await createHome({ kind: 'identity', bus: null });
  writeSettings('default_backend: sealed', 'session_bus: unix:path=/nowhere/bus');
  expect(await both()).toEqual([[], []]);
});
