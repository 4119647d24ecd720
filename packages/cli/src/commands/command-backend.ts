import { BrokerError, parseDuration, type PendingApproval } from '@mcp-broker/daemon/protocol';

import { shellWords } from '../input/shell-words.ts';
import { grantPending, grantText } from './approve.ts';
import { isLocked, whileUnlocked } from './locking.ts';
import { using, type Session } from './session.ts';

export interface CommandBackendInput {
  readonly name: string;
  /** Command lines as typed. */
  readonly get: string | undefined;
  readonly set: string | undefined;
  readonly list: string | undefined;
  /** `A=1 B=2`, as a shell has it. */
  readonly env: string | undefined;
  readonly timeout: string | undefined;
  readonly notFoundExit: number | undefined;
  readonly deniedExit: number | undefined;
  /** The descriptor that gives the sealed file's passphrase; undefined: the terminal. */
  readonly fd: number | undefined;
}

/**
 * Writes a backend into config.yaml, shows what it would run, and sees that a person approves that. Without
 * it the file is as it was: what asks for secrets is no business of a program that runs unattended.
 */
export async function addCommandBackend(
  input: CommandBackendInput,
  session: Session,
): Promise<number> {
  const { name, fd } = input;
  const entry = entryOf(input);
  requirePerson(input, session);
  const { changeConfig, setInText } = await import('@mcp-broker/daemon/config');
  const file = session.paths.config;
  let before = '';
  let after = '';
  await changeConfig(file, (text) => {
    before = text;
    return (after = setInText(text, ['backends', requireNew(name, text)], entry));
  });
  try {
    const request = await ask(name, session);
    const granted =
      request === undefined
        ? undefined
        : await grantPending({ which: request.id, variables: [], fd }, session);
    session.output.done(
      `backend ${name} is added${granted === undefined ? '' : `: ${grantText(granted.grant)}`}`,
      { backend: name, ...(granted === undefined ? {} : { grant: granted.grant }) },
    );
  } catch (error) {
    // What somebody else has written into it since stays.
    await changeConfig(file, (text) => {
      if (text === after) return before;
      const isOurs = setInText(text, ['backends', name], entry) === text;
      return isOurs ? setInText(text, ['backends', name], undefined) : text;
    });
    await reload(session).catch(() => undefined);
    throw error;
  }
  session.output.note(
    `for a variable of it, in ${file} under variables:  NAME: { backend: ${name} }`,
  );
  return 0;

  function requireNew(given: string, text: string): string {
    if (!hasBackend(text, given)) return given;
    throw new BrokerError('ERR_USAGE', `backend ${given} is there already`, {
      hint: `mcp config remove-backend ${given}, or edit ${file}`,
      subject: given,
    });
  }

  function hasBackend(text: string, given: string): boolean {
    // What takes it away changes nothing when it is not there.
    return setInText(text, ['backends', given], undefined) !== text;
  }
}

/** The entry of config.yaml. */
function entryOf(input: CommandBackendInput): Record<string, unknown> {
  const { get, set, list, env, timeout, notFoundExit, deniedExit } = input;
  if (get === undefined) {
    throw new BrokerError('ERR_USAGE', 'a backend needs a command that prints a value: --get', {
      hint: `mcp config add-command-backend ${input.name} --get 'pass show {name}'`,
    });
  }
  if (timeout !== undefined && parseDuration(timeout) === undefined) {
    throw new BrokerError('ERR_USAGE', '--timeout takes a time such as 25s', {
      hint: 'from 1s to 5m',
    });
  }
  return {
    kind: 'command',
    get: wordsOf(get, '--get'),
    ...(set === undefined ? {} : { set: wordsOf(set, '--set') }),
    ...(list === undefined ? {} : { list: wordsOf(list, '--list') }),
    ...(env === undefined ? {} : { env: variablesOf(env) }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(notFoundExit === undefined ? {} : { not_found_exit: [notFoundExit] }),
    ...(deniedExit === undefined ? {} : { denied_exit: [deniedExit] }),
  };
}

function wordsOf(text: string, option: string): string[] {
  const words = shellWords(text, option);
  if (words.length > 0 && words[0] !== '') return words;
  throw new BrokerError('ERR_USAGE', `${option} names no program`, {
    hint: `for instance: ${option} 'pass show {name}'`,
  });
}

function variablesOf(text: string): Record<string, string> {
  return Object.fromEntries(
    shellWords(text, '--env').map((word) => {
      const equals = word.indexOf('=');
      if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
      throw new BrokerError('ERR_USAGE', '--env takes NAME=value, several with blanks between', {
        hint: "for instance: --env 'PASSWORD_STORE_DIR=/srv/passwords'",
      });
    }),
  );
}

/** Before anything is changed. */
function requirePerson({ name, fd }: CommandBackendInput, session: Session): void {
  if (fd !== undefined) return;
  const terminal = session.openTerminal();
  if (terminal === undefined) {
    throw new BrokerError('ERR_PRESENCE', `to add backend ${name} needs a person`, {
      hint: 'run it on a terminal, or add: --fd 3 3< PASSPHRASE-FILE',
    });
  }
  terminal.close();
}

/** The request for what the backend runs; undefined when that is approved already. */
async function ask(name: string, session: Session): Promise<PendingApproval | undefined> {
  return whileUnlocked(session, async (client) => {
    await client.call('config.reload', {});
    const { request } = (await client.call('backend.request', { backend: name })).result;
    return request ?? undefined;
  });
}

async function reload(session: Session): Promise<void> {
  const client = await session.reach();
  if (client !== undefined) await using(client, (reached) => reached.call('config.reload', {}));
}

/** Takes a backend out of config.yaml. Like a revocation it only takes away, and needs nobody at a terminal. */
export async function removeBackend(name: string, session: Session): Promise<number> {
  const { changeConfig, readConfig, setInText } = await import('@mcp-broker/daemon/config');
  const file = session.paths.config;
  const { config } = readConfig(file);
  const users = [
    ...(config.settings.defaultBackend === name ? ['settings.default_backend'] : []),
    ...Object.entries(config.variables).flatMap(([variable, { backend }]) =>
      backend === name ? [`variables.${variable}`] : [],
    ),
    ...Object.entries(config.servers).flatMap(([server, { env }]) =>
      Object.values(env).some((text) =>
        ['<', '{'].some((open) => text.includes(`$${open}${name}:`)),
      )
        ? [`servers.${server}`]
        : [],
    ),
  ];
  if (users.length > 0) {
    throw new BrokerError('ERR_USAGE', `backend ${name} is used by ${users.join(', ')}`, {
      hint: `change that first, in ${file}`,
      subject: name,
    });
  }
  const found = Object.hasOwn(config.backends, name) ? config.backends[name] : undefined;
  // First: once the entry is gone, nobody looks for the approval that it left behind.
  const revoked = found?.kind === 'command' ? await revokeTool(name, session) : 0;
  const { changed } = await changeConfig(file, (text) =>
    setInText(text, ['backends', name], undefined),
  );
  if (!changed) {
    throw new BrokerError('ERR_NOT_FOUND', `${file} has no backend ${name}`, {
      hint: 'mcp status shows which there are',
      subject: name,
    });
  }
  await reload(session);
  session.output.done(`backend ${name} is removed`, { backend: name, revoked });
  return 0;
}

/** Gives how many grants that were. Throws `ERR_LOCKED` while it cannot be seen which there are. */
async function revokeTool(name: string, session: Session): Promise<number> {
  return whileUnlocked(session, async (client) => {
    if (await isLocked(client)) {
      throw new BrokerError('ERR_LOCKED', `the approval of backend ${name} cannot be taken back`, {
        hint: 'mcp unlock',
        subject: name,
      });
    }
    const { grants } = (await client.call('grant.list', {})).result;
    const own = grants.filter(({ backend }) => backend === name);
    for (const { id } of own) await client.call('grant.revoke', { id });
    return own.length;
  });
}
