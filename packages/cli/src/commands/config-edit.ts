import { isUtf8 } from 'node:buffer';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import {
  changeConfig,
  newConfigText,
  parseConfig,
  readConfigText,
} from '@mcp-broker/daemon/config';
import { BrokerError, toBrokerError } from '@mcp-broker/daemon/protocol';

import { requireConfig } from '../exec/given-config.ts';
import { restoreEnvironment } from '../exec/aside.ts';
import { holdSignals } from '../output/interrupted.ts';
import { noteChange, takeConfig, type Taken } from './config-reload.ts';
import { requireHome } from './home.ts';
import type { Session } from './session.ts';

/**
 * Opens a copy of the file in the person's editor, and puts it in the place of the file once it is good. A
 * person at a terminal may edit it again; else, or when nothing was changed, the file stays as it is.
 */
export async function editConfig(session: Session): Promise<number> {
  const { paths, configGiven } = session;
  if (configGiven) requireConfig(paths.config);
  requireHome(paths.home);
  const editor = editorOf(session);
  const file = paths.config;
  const before = readConfigText(file);
  // Beside it and not in /tmp: what an editor leaves there (backups, swap files) is nobody's business.
  const folder = makeFolder(paths.home);
  const copy = join(folder, basename(file));
  const signals = holdSignals();
  let isOvertaken = false;
  try {
    writeFileSync(copy, before ?? newConfigText, { mode: 0o600 });
    for (;;) {
      await runEditor(editor, copy, session);
      signals.check();
      const bytes = readCopy(copy);
      let text = '';
      const failure = await attempt(async () => {
        text = decode(bytes);
        await put(file, before, text, copy);
      });
      isOvertaken = failure instanceof Overtaken;
      if (failure === undefined) return await tell(text !== before, session);
      if (isOvertaken || !(await wantsAgain(failure, session))) throw failure;
    }
  } finally {
    signals.release();
    if (!isOvertaken) rmSync(folder, { recursive: true, force: true });
  }
}

async function tell(changed: boolean, session: Session): Promise<number> {
  const { output, paths } = session;
  const file = paths.config;
  const taken: Taken | undefined = changed ? await takeConfig(session) : undefined;
  const value = { file, changed, ...(taken === undefined ? {} : { daemon: taken }) };
  output.done(changed ? `${file} is changed` : `${file} is as it was`, value);
  if (taken !== undefined) noteChange(taken, [], session);
  return 0;
}

function makeFolder(home: string): string {
  try {
    return mkdtempSync(join(home, '.edit-'));
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new BrokerError('ERR_INSECURE_FILE', `nothing can be written to ${home}: ${code}`, {
      hint: `ls -ld ${home}`,
      cause: error,
    });
  }
}

function editorOf({ environment }: Session): string {
  const editor = environment['VISUAL'] || environment['EDITOR'];
  if (editor) return editor;
  throw new BrokerError('ERR_USAGE', 'neither VISUAL nor EDITOR says which editor to open', {
    hint: 'EDITOR=vi mcp config edit',
  });
}

/** As git and others run it: words of a shell, with the file as the last. */
async function runEditor(editor: string, copy: string, { environment }: Session): Promise<void> {
  const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'mcp', copy], {
    stdio: 'inherit',
    env: restoreEnvironment(environment),
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return;
  const how = signal ?? `exit ${code}`;
  throw new BrokerError('ERR_CHECK_FAILED', `the editor failed (${how}), and nothing was changed`, {
    hint: 'does VISUAL or EDITOR name an editor that waits until the file is closed?',
  });
}

async function put(
  file: string,
  before: string | undefined,
  text: string,
  copy: string,
): Promise<void> {
  // For its message, which has the lines of the copy.
  parseConfig(text, file);
  if (text === before) return;
  await changeConfig(
    file,
    (now) => {
      if (now === (before ?? newConfigText)) return text;
      throw new Overtaken(file, copy);
    },
    { mayBeBroken: true },
  );
}

/** To edit the same text again would change nothing; what a person has written is not thrown away. */
class Overtaken extends BrokerError {
  constructor(file: string, copy: string) {
    super('ERR_CONFIG', `${file} was changed by someone else meanwhile`, {
      hint: `what you wrote is kept: diff ${file} ${copy}`,
    });
  }
}

async function attempt(action: () => Promise<void>): Promise<BrokerError | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return toBrokerError(error);
  }
}

/** Shows what is wrong and asks; nobody at a terminal wants nothing. */
async function wantsAgain(failure: BrokerError, session: Session): Promise<boolean> {
  const terminal = session.openTerminal();
  if (terminal === undefined) return false;
  try {
    const { problems } = failure;
    for (const { message } of problems.length === 0 ? [failure] : problems) {
      session.output.warn(message);
    }
    const answer = await terminal.ask('Edit again? [Y/n] ', { hidden: false, fresh: true });
    return !/^\s*n/iu.test(answer.toString());
  } finally {
    terminal.close();
  }
}

function readCopy(copy: string): Buffer {
  try {
    return readFileSync(copy);
  } catch (error) {
    throw new BrokerError('ERR_CHECK_FAILED', 'the editor left no file, and nothing was changed', {
      hint: 'run the command again',
      cause: error,
    });
  }
}

function decode(bytes: Buffer): string {
  // Decoded all the same, a letter of another encoding would be lost in the file.
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new BrokerError('ERR_CONFIG', 'what the editor wrote is not UTF-8 text', {
    hint: 'let the editor write UTF-8',
  });
}
