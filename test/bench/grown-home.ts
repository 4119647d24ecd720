import { hash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { openAuditLog } from '../../packages/daemon/src/audit/log.ts';
import { realDisk } from '../../packages/daemon/src/audit/disk.ts';
import type { AuditEvent } from '../../packages/daemon/src/audit/event.ts';
import { systemClock } from '../../packages/daemon/src/clock.ts';
import { readConfig } from '../../packages/daemon/src/config/index.ts';
import { createGrantsFile } from '../../packages/daemon/src/grants/grants-file.ts';
import { unusedCode } from '../../packages/daemon/src/policy/codes.ts';
import { grantsHome, type GrantsHome } from '../../packages/daemon/src/testing/grants-home.ts';
import {
  importScalar,
  recipientOf,
  seal,
  unseal,
} from '../../packages/providers/src/sealed-file/age.ts';
import {
  parseDocument,
  serializeDocument,
} from '../../packages/providers/src/sealed-file/document.ts';
import { openIdentityFile } from '../../packages/providers/src/sealed-file/identity.ts';
import { createHome, expectSuccess, type Home } from '../kit/home.ts';

/** What a home holds after years. */
export interface Size {
  /** In the sealed file, and each with an entry of its own in the config. */
  readonly variables: number;
  /** Of other launches. */
  readonly grants: number;
  readonly auditLines: number;
}

const days = 30;
const linesAtOnce = 10_000;

/**
 * A home of that size, in which `launch` may have its variable `TOKEN`, and whose daemon runs. All files are
 * as the product writes them, and written by its own code: one by one through the command it would take hours.
 */
export async function createGrownHome(size: Size, launch: readonly string[]): Promise<Home> {
  const home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'x'.repeat(40));
  await home.approve(['--', ...launch], { env: { TOKEN: '$<TOKEN>' } });
  expectSuccess(await home.mcp(['daemon', 'stop']));
  const state = grantsHome({ home: home.broker, clock: systemClock });
  const { keyring, paths } = state;
  keyring.adopt(await openIdentityFile(paths.identity, Buffer.from(home.passphrase)));
  const names = Array.from({ length: size.variables }, (_, index) => `VARIABLE_${index}`);
  await addSecrets(state, names);
  addToConfig(paths.config, names);
  await addGrants(state, size.grants);
  await addAuditLines(state, size.auditLines);
  keyring.lock();
  await unlockAnew(home);
  return home;
}

/** With a daemon that has read everything. */
export async function unlockAnew(home: Home): Promise<void> {
  expectSuccess(await home.mcp(['daemon', 'stop']));
  expectSuccess(await home.mcp(['unlock', '--fd', '3'], { fd3: `${home.passphrase}\n` }));
}

async function addSecrets({ keyring, paths }: GrantsHome, names: readonly string[]): Promise<void> {
  const key = keyring.use(importScalar);
  const document = parseDocument(await unseal(readFileSync(paths.secrets), key), paths.secrets);
  const token = document.items.get('TOKEN');
  if (token === undefined) throw new Error('the home has no TOKEN');
  for (const name of names) document.items.set(name, token);
  writeFileSync(paths.secrets, await seal(serializeDocument(document), await recipientOf(key)));
}

function addToConfig(file: string, names: readonly string[]): void {
  const entries = names.map((name) => `  ${name}: {}\n`);
  appendFileSync(file, `\nvariables:\n${entries.join('')}`);
  readConfig(file);
}

async function addGrants({ paths, keyring, own }: GrantsHome, count: number): Promise<void> {
  const file = createGrantsFile({ paths, clock: systemClock, keyring, own });
  const reading = await file.read();
  const [first] = 'grants' in reading ? reading.grants : [];
  if (first === undefined) throw new Error('the home has no grant');
  const ids = new Set([first.id]);
  const others = Array.from({ length: count }, (_, index) => {
    const id = unusedCode((code) => ids.has(code));
    ids.add(id);
    return { ...first, id, fingerprint: hash('sha256', String(index)) };
  });
  await file.write([first, ...others], 'back to the old');
}

/** Over the last days, with the MACs of a home that was unlocked. */
async function addAuditLines({ paths, keyring }: GrantsHome, count: number): Promise<void> {
  let written = 0;
  const start = Date.now() - days * 86_400_000;
  const log = await openAuditLog(
    paths.audit,
    () => start + Math.floor((written * days * 86_400_000) / (count + 1)),
    {
      limits: () => readConfig(paths.config).config.audit,
      // The page cache will do: nothing is lost if the machine stops.
      disk: { ...realDisk, sync: () => Promise.resolve() },
    },
  );
  const key = keyring.derive('audit/v1');
  log.useKey({ use: (action) => action(key), wipe: () => key.fill(0) });
  while (written < count) {
    const lines = Math.min(linesAtOnce, count - written);
    const appended = Array.from({ length: lines }, (_, index) =>
      log.append(event(written + index)),
    );
    written += lines;
    await Promise.all(appended);
  }
  await log.close();
}

function event(index: number): AuditEvent {
  return {
    event: 'launch',
    outcome: 'allowed',
    launch: hash('md5', String(index)).slice(0, 16),
    server: `server-${index % 50}`,
    variables: ['TOKEN'],
    backend: 'sealed',
    cached: 1,
    age_ms: 1234,
    fingerprint: hash('sha256', String(index % 50)),
    pid: 12_345,
    uid: process.getuid?.() ?? 0,
    claims: { client: 'mcp exec' },
    duration_ms: 3,
  };
}
