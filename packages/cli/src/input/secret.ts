import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { Session } from '../commands/session.ts';

/** How a command that asks for a passphrase is called again without a terminal: its hint. */
export interface PassphraseRequest {
  /** The descriptor to read it from; undefined: the terminal. */
  readonly fd: number | undefined;
  /** What to type, for instance `mcp unlock`. */
  readonly command: string;
  /** Without one: `Passphrase: `. */
  readonly question?: string;
}

/**
 * The passphrase, as bytes that the caller wipes. Throws `ERR_PRESENCE` when there is neither a
 * descriptor nor a terminal.
 */
export async function readPassphrase(
  session: Session,
  { fd, command, question = 'Passphrase: ' }: PassphraseRequest,
): Promise<Buffer> {
  if (fd !== undefined) return passphraseFrom(session, fd);
  const terminal = session.openTerminal();
  if (terminal === undefined) throw noTerminal('the passphrase', 'ERR_PRESENCE', command);
  try {
    return refuseBadPassphrase(await terminal.ask(question, { hidden: true }));
  } finally {
    terminal.close();
  }
}

/** A new passphrase, typed twice on a terminal. Throws `ERR_USAGE` when there is no way to get one. */
export async function readNewPassphrase(
  session: Session,
  { fd, command }: PassphraseRequest,
): Promise<Buffer> {
  if (fd !== undefined) return passphraseFrom(session, fd);
  const terminal = session.openTerminal();
  if (terminal === undefined) throw noTerminal('a passphrase', 'ERR_USAGE', command);
  try {
    const first = refuseBadPassphrase(await terminal.ask('New passphrase: ', { hidden: true }));
    const second = await terminal.ask('The same again: ', { hidden: true });
    const same = first.equals(second);
    second.fill(0);
    if (same) return first;
    first.fill(0);
    throw new BrokerError('ERR_USAGE', 'the two passphrases are not the same', {
      hint: `try again: ${command}`,
    });
  } finally {
    terminal.close();
  }
}

export interface ValueSource {
  readonly stdin: boolean;
  readonly fd: number | undefined;
}

/** Whether the value is asked for. A terminal on stdin would show what is typed: there it is, too. */
export function asksForValue(session: Session, { stdin, fd }: ValueSource): boolean {
  return fd === undefined && !(stdin && !session.stdinIsTerminal);
}

/** The value of a variable, as bytes that the caller wipes; not a byte is dropped. */
export async function readValue(
  session: Session,
  name: string,
  source: ValueSource,
): Promise<Buffer> {
  const value = asksForValue(session, source)
    ? await askValue(session, name)
    : await session.readDescriptor(source.fd ?? 0);
  if (value.length > 0) return value;
  throw new BrokerError('ERR_USAGE', `the value of ${name} is empty`, {
    hint: `to remove it: mcp secret rm ${name}`,
  });
}

async function askValue(session: Session, name: string): Promise<Buffer> {
  const terminal = session.openTerminal();
  if (terminal === undefined) {
    throw new BrokerError('ERR_USAGE', `no value for ${name}: there is no terminal to ask on`, {
      hint: `give it through a file: mcp secret set ${name} --stdin < FILE`,
    });
  }
  try {
    return await terminal.ask(`Value of ${name}: `, { hidden: true });
  } finally {
    terminal.close();
  }
}

async function passphraseFrom(session: Session, fd: number): Promise<Buffer> {
  return refuseBadPassphrase(withoutNewline(await session.readDescriptor(fd)));
}

/** Without one line feed (or CR and LF) at its end, which an editor or `echo` put there. */
function withoutNewline(bytes: Buffer): Buffer {
  const lineFeed = bytes.at(-1) === 0x0a;
  const end = bytes.length - (lineFeed ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0);
  return bytes.subarray(0, end);
}

function refuseBadPassphrase(passphrase: Buffer): Buffer {
  if (passphrase.length === 0)
    throw new BrokerError('ERR_USAGE', 'the passphrase is empty', {
      hint: 'type one, or put one into the file that the descriptor reads',
    });
  if (!passphrase.includes(0x0a)) return passphrase;
  passphrase.fill(0);
  throw new BrokerError('ERR_USAGE', 'the passphrase has more than one line', {
    hint: 'a passphrase file has one line',
  });
}

function noTerminal(
  what: string,
  code: 'ERR_PRESENCE' | 'ERR_USAGE',
  command: string,
): BrokerError {
  return new BrokerError(code, `there is no terminal to ask for ${what} on`, {
    hint: `run it on a terminal, or: ${command} --fd 3 3< FILE`,
  });
}
