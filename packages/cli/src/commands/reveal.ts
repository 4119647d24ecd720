import type { Client, Reply } from '@mcp-broker/daemon/client';
import { BrokerError, type SecretSummary } from '@mcp-broker/daemon/protocol';

import { readPassphrase } from '../input/secret.ts';
import { aligned, type Line } from '../output/fold.ts';
import { quoteMarked } from '../output/look-alike.ts';
import { printable } from '../output/printable.ts';
import type { Terminal } from '../output/prompt.ts';
import { whileUnlocked } from './locking.ts';
import { requireName } from './secrets.ts';
import type { Session } from './session.ts';
import { askForCode } from './typed-code.ts';

export interface RevealInput {
  readonly name: string;
  /** The descriptor that gives the sealed file's passphrase; undefined: a code is typed. */
  readonly fd: number | undefined;
}

/**
 * Shows a value to the person at the terminal, and to nobody else: it goes to the controlling terminal
 * itself, and a call whose stdout leads elsewhere is refused.
 */
export async function revealSecret({ name, fd }: RevealInput, session: Session): Promise<number> {
  requireName(name);
  const { output } = session;
  if (output.json || !session.stdoutIsTerminal) throw notATerminal(name, output.json);
  const terminal = session.openTerminal();
  if (terminal === undefined) {
    throw new BrokerError(
      'ERR_PRESENCE',
      `${name} is shown to a person, and there is no terminal`,
      {
        hint: `run it on a terminal: mcp secret show ${name} --reveal`,
      },
    );
  }
  try {
    const { attachments } = await whileUnlocked(session, async (client) =>
      fd === undefined
        ? withCode(client, name, terminal, session)
        : withPassphrase(client, name, fd, session),
    );
    try {
      show(attachments[0] ?? Buffer.alloc(0), terminal, session);
    } finally {
      for (const value of attachments) value.fill(0);
    }
    return 0;
  } finally {
    terminal.close();
  }
}

function notATerminal(name: string, json: boolean): BrokerError {
  return new BrokerError(
    'ERR_USAGE',
    json ? 'a value is never given as JSON' : 'a value is shown on a terminal, and stdout is none',
    {
      hint: `a program gets it through its environment: mcp exec --env ${name}='$<${name}>' -- COMMAND`,
    },
  );
}

async function withCode(
  client: Client,
  name: string,
  terminal: Terminal,
  session: Session,
): Promise<Reply<'secret.reveal'>> {
  const secret = (await client.call('secret.show', { name })).result;
  const { code: shown } = (await client.call('secret.open', { name })).result;
  const code = await askForCode(terminal, session, {
    lines: revealLines(secret),
    code: shown,
    question: 'Type the code to see the value: ',
    refused: `${name} is not shown`,
    hint: `mcp secret show ${name} --reveal`,
  });
  return client.call('secret.reveal', { name, code });
}

function revealLines({ name, backend, locator, version }: SecretSummary): Line[] {
  return [
    {
      head: '',
      text: 'to be shown on this terminal, where it may stay in the scrollback:',
      style: 'bold',
    },
    ...aligned([
      ['  the value of', quoteMarked(name)],
      ['  from', quoteMarked(backend)],
      ['  at', quoteMarked(locator)],
      ...(version === undefined ? [] : [['  version', quoteMarked(version)] as const]),
    ]),
  ];
}

async function withPassphrase(
  client: Client,
  name: string,
  fd: number,
  session: Session,
): Promise<Reply<'secret.reveal'>> {
  const command = `mcp secret show ${name} --reveal`;
  const passphrase = await readPassphrase(session, { fd, command });
  const stopProgress = session.output.progress('the passphrase is checked, which takes a second');
  try {
    return await client.call('secret.reveal', { name }, { attachments: [passphrase] });
  } finally {
    stopProgress();
    passphrase.fill(0);
  }
}

function show(value: Buffer, terminal: Terminal, { output }: Session): void {
  const { bytes, escaped } = printable(value);
  try {
    terminal.write(bytes);
  } finally {
    bytes.fill(0);
  }
  if (escaped) {
    output.note('not all of it can be shown: \\xNN stands for a byte, and \\\\ for one backslash');
  }
}
