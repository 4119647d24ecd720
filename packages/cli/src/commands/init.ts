import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';

import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { readNewPassphrase, readPassphrase } from '../input/secret.ts';
import { isThere, narrowHome } from './home.ts';
import { checkBackend, chooseBackend, type Choice, type InitInput } from './init-backend.ts';
import { initialiseKeychain } from './init-keychain.ts';
import { reportSetUp } from './init-report.ts';
import { isSealedLocked, unlockWith } from './locking.ts';
import { lookAround, type Opens } from './look-around.ts';
import { makeWhole, searchPath, type Making } from './make-home.ts';
import type { Session } from './session.ts';

/** Makes a home that works: folder, config.yaml, where its keys come from, and a daemon that has them. */
export async function initialise(input: InitInput, session: Session): Promise<number> {
  const { paths, output } = session;
  checkBackend(input);
  const identityFile = input.identityFile === undefined ? undefined : readable(input.identityFile);
  const narrowed = isThere(paths.home) ? narrowHome(paths.home) : [];
  for (const path of narrowed) output.warn(`others could reach ${path}: it is now yours alone`);
  const choice = await chooseBackend(input, session);

  const making = { input: { ...input, identityFile }, narrowed, path: searchPath(session) };
  if (choice.backend === 'sealed') return initialiseSealed(making, choice, session);
  const tried = await initialiseKeychain(choice, making.path, session);
  if (tried.problem === undefined) {
    reportSetUp(session, { ...tried, backend: 'keychain', why: choice.why, narrowed });
    return 0;
  }
  const why = `the keychain does not work here: ${tried.problem.message}`;
  output.note(`${why}; so it is the sealed file`);
  return initialiseSealed(making, { ...choice, why }, session);
}

/** With the sealed file, whose passphrase is asked for; beside the keychain it is one store among others. */
async function initialiseSealed(
  {
    input,
    narrowed,
    path,
  }: { input: InitInput; narrowed: readonly string[]; path: Making['path'] },
  { why, isOnKeychain }: Choice,
  session: Session,
): Promise<number> {
  const { identityFile } = input;
  const { complete, opens } = await lookAround(session, identityFile);
  if (complete && !(isOnKeychain && (await isSealedLocked(session)))) {
    reportSetUp(session, { backend: 'sealed', why, narrowed });
    return 0;
  }
  const passphrase = opens === 'a file' ? undefined : await askPassphrase(input, opens, session);
  try {
    const created = await makeWhole(session, {
      defaultBackend: 'sealed',
      identityFile,
      path,
      fill: (client) => createSealedFile(client, { opens, passphrase, isOnKeychain }, session),
    });
    reportSetUp(session, { backend: 'sealed', why, created, narrowed });
    return 0;
  } finally {
    passphrase?.fill(0);
  }
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
  readonly opens: Opens;
  readonly passphrase: Buffer | undefined;
  readonly isOnKeychain: boolean;
}

async function createSealedFile(
  client: Client,
  { opens, passphrase, isOnKeychain }: Keys,
  session: Session,
): Promise<void> {
  if (passphrase !== undefined && opens === 'its passphrase' && !isOnKeychain) {
    await unlockWith(client, passphrase, session);
    await client.call('sealed.create', {});
  } else {
    const attachments = passphrase === undefined ? [] : [passphrase];
    await client.call('sealed.create', {}, { attachments });
  }
}
