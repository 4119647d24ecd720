import { rmSync } from 'node:fs';

import type { Client } from '@mcp-broker/daemon/client';
import { initialConfigText, writeNew } from '@mcp-broker/daemon/config';

import { holdSignals, type HeldSignals } from '../output/interrupted.ts';
import { stopAndWait } from './daemon.ts';
import { isThere, makeHome } from './home.ts';
import { loginPath, type LoginPath } from './login-path.ts';
import { using, type Session } from './session.ts';
import { lockSetUp } from './set-up-lock.ts';

export interface Making {
  readonly defaultBackend: 'keychain' | 'sealed';
  readonly identityFile?: string | undefined;
  /** The PATH that is written into the config. */
  readonly path: () => Promise<LoginPath['folders']>;
  /** Puts into the home what its daemon makes. */
  readonly fill: (client: Client) => Promise<void>;
}

/** Gives the paths that it made. When it fails, or a signal comes, they are gone again. */
export async function makeWhole(session: Session, making: Making): Promise<string[]> {
  const { paths, output } = session;
  const signals = holdSignals();
  const stopProgress = output.progress('the home is made, which takes a second or two');
  try {
    const made = await makeWhatIsMissing(session, making, signals);
    return made.filter((path) => path !== paths.run && isThere(path));
  } finally {
    stopProgress();
    signals.release();
  }
}

async function makeWhatIsMissing(
  session: Session,
  { defaultBackend, identityFile, path, fill }: Making,
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
    paths.keychain,
    paths.identity,
    paths.secrets,
  ].filter((each) => !isThere(each));
  const made = madeHome ? [paths.home, ...missing] : missing;
  let started = false;
  try {
    const wrote =
      missing.includes(paths.config) &&
      writeNew(
        paths.config,
        initialConfigText({ defaultBackend, identityFile, path: await path() }),
      );
    const running = await session.reach();
    started = running === undefined;
    await using(running ?? (await session.connect()), async (client) => {
      if (wrote && !started) await client.call('config.reload', {});
      await fill(client);
    });
    signals.check();
    return made;
  } catch (error) {
    // A daemon must not outlive the home that it serves.
    if (started) await stopAndWait(session).catch(() => undefined);
    for (const each of made) rmSync(each, { recursive: true, force: true });
    throw error;
  } finally {
    release();
  }
}

/** Asked once. Nothing depends on it but servers that a client's own PATH does not find. */
export function searchPath({ environment, output, paths }: Session): Making['path'] {
  let asked: Promise<LoginPath['folders']> | undefined;
  const ask = async (): Promise<LoginPath['folders']> => {
    const login = await loginPath(environment);
    if (login?.isPoor === true) {
      const what = login.folders === undefined ? 'its PATH' : 'the PATH that a terminal has';
      output.warn(
        `${login.shell} did not say ${what}: name the folders of your servers in settings.path of ${paths.config}`,
      );
    }
    return login?.folders;
  };
  return () => (asked ??= ask());
}
