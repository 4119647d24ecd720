import { accessSync, constants, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { initialConfigText, writeNew } from '@mcp-broker/daemon/config';
import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { readNewPassphrase, readPassphrase } from '../input/secret.ts';
import { holdSignals, type HeldSignals } from '../output/interrupted.ts';
import { escape } from '../output/terminal.ts';
import { clientSnippet, commandPath } from './client-snippet.ts';
import { stopAndWait } from './daemon.ts';
import { isThere, makeHome, narrowHome } from './home.ts';
import { unlockWith } from './locking.ts';
import { lookAround, type Opens } from './look-around.ts';
import { using, type Session } from './session.ts';
import { loginPath, type LoginPath } from './login-path.ts';
import { lockSetUp } from './set-up-lock.ts';

export interface InitInput {
  /** Ask nothing. */
  readonly yes: boolean;
  readonly backend: string | undefined;
  /** The descriptor that gives the new passphrase; undefined: the terminal. */
  readonly fd: number | undefined;
  /** An identity that is there already and takes no passphrase. */
  readonly identityFile: string | undefined;
}

/** Makes a home that works: folder, config.yaml, sealed file, and a daemon that holds it unlocked. */
export async function initialise(input: InitInput, session: Session): Promise<number> {
  const { paths, output } = session;
  requireSealed(input.backend);
  const identityFile = input.identityFile === undefined ? undefined : readable(input.identityFile);

  const narrowed = isThere(paths.home) ? narrowHome(paths.home) : [];
  for (const path of narrowed) output.warn(`others could reach ${path}: it is now yours alone`);
  const before = await lookAround(session, identityFile);
  if (before.complete) {
    const rest = narrowed.length === 0 ? 'nothing changed' : 'nothing else changed';
    output.done(`${paths.home} is set up already: ${rest}`, {
      changed: narrowed.length > 0,
      home: paths.home,
      config: paths.config,
      created: [],
      narrowed,
    });
    return 0;
  }

  const { opens } = before;
  const passphrase = opens === 'a file' ? undefined : await askPassphrase(input, opens, session);
  try {
    const created = await setUp(session, { identityFile, opens, passphrase });
    reportSetUp(session, created, narrowed);
    return 0;
  } finally {
    passphrase?.fill(0);
  }
}

function requireSealed(backend: string | undefined): void {
  if (backend === undefined || backend === 'sealed') return;
  if (backend === 'keychain') {
    throw new BrokerError('ERR_CONFIG', 'the keychain is not supported by this version', {
      hint: 'mcp init --backend sealed',
    });
  }
  throw new BrokerError('ERR_USAGE', '--backend takes sealed or keychain', {
    hint: 'mcp init --backend sealed',
  });
}

function readable(identityFile: string): string {
  const path = resolve(identityFile);
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch (error) {
    throw new BrokerError('ERR_NOT_FOUND', `the identity file ${path} cannot be read`, {
      hint: `it has to be there already: age-keygen -o ${path}`,
      cause: error,
    });
  }
}

function askPassphrase({ yes, fd }: InitInput, opens: Opens, session: Session): Promise<Buffer> {
  if (yes && fd === undefined) {
    throw new BrokerError('ERR_USAGE', 'with --yes nothing is asked, and no passphrase was given', {
      hint: 'mcp init --yes --fd 3 3< FILE, or --identity-file FILE',
    });
  }
  const request = { fd, command: 'mcp init' };
  return opens === 'a new passphrase'
    ? readNewPassphrase(session, request)
    : readPassphrase(session, {
        ...request,
        question: `Passphrase of ${session.paths.identity}: `,
      });
}

interface Keys {
  readonly identityFile: string | undefined;
  readonly opens: Opens;
  readonly passphrase: Buffer | undefined;
}

/** Gives the paths that it made. When it fails, or a signal comes, they are gone again. */
async function setUp(session: Session, keys: Keys): Promise<string[]> {
  const { paths, output } = session;
  const signals = holdSignals();
  const stopProgress = output.progress('the home is made, which takes a second or two');
  try {
    const made = await makeWhatIsMissing(session, keys, signals);
    return made.filter((path) => path !== paths.run && isThere(path));
  } finally {
    stopProgress();
    signals.release();
  }
}

async function makeWhatIsMissing(
  session: Session,
  keys: Keys,
  signals: HeldSignals,
): Promise<readonly string[]> {
  const { paths } = session;
  const madeHome = makeHome(paths.home);
  const release = lockSetUp(paths.home);
  const missing = [
    paths.config,
    paths.state,
    paths.run,
    paths.audit,
    paths.identity,
    paths.secrets,
  ].filter((path) => !isThere(path));
  const made = madeHome ? [paths.home, ...missing] : missing;
  let started = false;
  try {
    const wrote =
      missing.includes(paths.config) &&
      writeNew(
        paths.config,
        initialConfigText({
          defaultBackend: 'sealed',
          identityFile: keys.identityFile,
          path: await searchPath(session),
        }),
      );
    const running = await session.reach();
    started = running === undefined;
    await using(running ?? (await session.connect()), async (client) => {
      if (wrote && !started) await client.call('config.reload', {});
      await createSealedFile(client, keys, session);
    });
    signals.check();
    return made;
  } catch (error) {
    // A daemon must not outlive the home that it serves.
    if (started) await stopAndWait(session).catch(() => undefined);
    for (const path of made) rmSync(path, { recursive: true, force: true });
    throw error;
  } finally {
    release();
  }
}

/** Nothing depends on it but servers that a client's own PATH does not find. */
async function searchPath({ environment, output, paths }: Session): Promise<LoginPath['folders']> {
  const login = await loginPath(environment);
  if (login?.isPoor === true) {
    const what = login.folders === undefined ? 'its PATH' : 'the PATH that a terminal has';
    output.warn(
      `${login.shell} did not say ${what}: name the folders of your servers in settings.path of ${paths.config}`,
    );
  }
  return login?.folders;
}

async function createSealedFile(
  client: Client,
  { opens, passphrase }: Keys,
  session: Session,
): Promise<void> {
  if (passphrase !== undefined && opens === 'its passphrase') {
    await unlockWith(client, passphrase, session);
    await client.call('sealed.create', {});
  } else {
    const attachments = passphrase === undefined ? [] : [passphrase];
    await client.call('sealed.create', {}, { attachments });
  }
}

function reportSetUp(
  session: Session,
  created: readonly string[],
  narrowed: readonly string[],
): void {
  const { paths, output } = session;
  const steps = [
    ['mcp secret set API_TOKEN', 'keep a token; its value is asked for'],
    ['mcp approve', 'after the first launch, which is refused until you have seen it'],
    ['mcp status', 'what the daemon holds'],
  ] as const;
  const command = commandPath(process.argv[1], session.environment);
  const lines = [
    ...created.map((path) => `made ${escape(path)}`),
    'the sealed file is unlocked, until `mcp lock` or until it lies idle',
    '',
    'For an MCP client (its configuration; every server in the same way):',
    '',
    clientSnippet(session, command),
    '',
    'Next:',
    ...steps.map(([step, why]) => `  ${output.typed(step).padEnd(27)}  ${why}`),
  ];
  output.result(`${lines.join('\n')}\n`, {
    changed: true,
    home: paths.home,
    config: paths.config,
    backend: 'sealed',
    created,
    narrowed,
    command,
  });
}
