import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream, WriteStream } from 'node:tty';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { Interrupted } from './interrupted.ts';
import { createKeyReader, type Key } from './key-reader.ts';
import { createLineEditor, type Progress } from './line-editor.ts';
import { escape } from './terminal.ts';

/** The terminal that controls this process, whatever its stdin and stdout are. */
export interface Terminal {
  write(text: string | Uint8Array): void;
  /** As it is now; 24 by 80 when the terminal does not say. */
  size(): { readonly rows: number; readonly columns: number };
  /**
   * Asks for one key on a line of its own, which is taken back. Ctrl-C rejects with `Interrupted`. Until
   * the next question or `close` nothing that is typed is shown, lest it stand within the text.
   */
  key(prompt: string): Promise<Key>;
  /**
   * One line, without its end, as bytes that the caller wipes. Hidden: nothing of it is shown. Ctrl-C
   * rejects with `Interrupted`, the end of the input with `ERR_USAGE`; either way, and on a signal,
   * the terminal is as it was before. Fresh: what was typed before the question is no answer to it.
   */
  ask(
    question: string,
    options: { readonly hidden: boolean; readonly fresh?: boolean },
  ): Promise<Buffer>;
  close(): void;
}

const startPaste = '\u001b[?2004h';
const stopPaste = '\u001b[?2004l';
const eraseLine = '\r\u001b[K';

/** Opens /dev/tty; undefined when this process has no controlling terminal. */
export function openTerminal(): Terminal | undefined {
  let input: number;
  let output: number;
  try {
    input = openSync('/dev/tty', 'r');
    // Opened apart: reading makes its descriptor non-blocking, and a long text has to go out whole.
    output = openSync('/dev/tty', 'w');
  } catch {
    return undefined;
  }
  /** Typed ahead of the question that it answers. */
  let ahead = Buffer.alloc(0);
  let stream: ReadStream | undefined;
  const write = (text: string | Uint8Array): void => {
    let rest = typeof text === 'string' ? Buffer.from(text) : text;
    while (rest.length > 0) rest = rest.subarray(writeSync(output, rest));
  };

  return {
    write,
    size: terminalSize,
    async key(prompt) {
      stream ??= new ReadStream(input);
      const reader = createKeyReader();
      const begin = (): void => {
        write(prompt);
      };
      try {
        const stayRaw = true;
        ahead = await readBytes(stream, reader, ahead, { begin, show: () => {}, stayRaw });
        return reader.key;
      } finally {
        write(eraseLine);
      }
    },
    async ask(question, { hidden, fresh = false }) {
      stream ??= new ReadStream(input);
      if (fresh) ahead = wiped(ahead);
      const editor = createLineEditor();
      const begin = (): void => {
        write(`${startPaste}${question}`);
      };
      const show = (): void => {
        if (hidden) return;
        const line = editor.take();
        write(`${eraseLine}${question}${escape(line.toString())}`);
        line.fill(0);
      };
      try {
        ahead = await readBytes(stream, editor, ahead, { begin, show, stayRaw: false });
        return editor.take();
      } finally {
        editor.wipe();
        write(`${stopPaste}\n`);
      }
    },
    close() {
      ahead.fill(0);
      stream?.setRawMode(false);
      stream?.destroy();
      closeSync(input);
      closeSync(output);
    },
  };
}

function wiped(bytes: Buffer): Buffer<ArrayBuffer> {
  bytes.fill(0);
  return Buffer.alloc(0);
}

/** Through a descriptor of its own, since the stream that knows it makes it non-blocking. */
function terminalSize(): { rows: number; columns: number } {
  const stream = new WriteStream(openSync('/dev/tty', 'w'));
  const { rows, columns } = stream;
  stream.destroy();
  return { rows: Math.max(rows || 24, 4), columns: Math.max(columns || 80, 12) };
}

interface Reading {
  readonly begin: () => void;
  readonly show: () => void;
  /** Leave the echo off for what comes next, when it ends well. */
  readonly stayRaw: boolean;
}

/** Feeds the reader until it is done. Gives what came after that. */
async function readBytes(
  stream: ReadStream,
  reader: { push(byte: number): Progress },
  ahead: Buffer,
  { begin, show, stayRaw }: Reading,
): Promise<Buffer<ArrayBuffer>> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer<ArrayBuffer>>();

  const take = (chunk: Buffer): void => {
    let at = 0;
    try {
      while (at < chunk.length) {
        const progress = reader.push(chunk[at++] ?? 0);
        if (progress === 'more') continue;
        if (progress !== 'done') throw stopped(progress);
        show();
        const rest = Buffer.alloc(chunk.length - at);
        chunk.copy(rest, 0, at);
        resolve(rest);
        return;
      }
      show();
    } catch (error) {
      reject(error);
    } finally {
      chunk.fill(0);
    }
  };
  const onEnd = (): void => {
    reject(stopped('ended'));
  };
  // Raw mode turns the keys for signals off, but not the signals that other processes send.
  const onSignal = (signal: NodeJS.Signals): void => {
    reject(new Interrupted(signal));
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

  let raw = false;
  stream.setRawMode(true);
  stream.on('data', take).on('end', onEnd).on('error', reject);
  for (const signal of signals) process.on(signal, onSignal);
  try {
    // After the echo is off: what a fast hand or a script types at once must not be shown.
    begin();
    if (ahead.length > 0) take(ahead);
    stream.resume();
    const rest = await promise;
    raw = stayRaw;
    return rest;
  } finally {
    stream.pause();
    stream.off('data', take).off('end', onEnd).off('error', reject);
    for (const signal of signals) process.off(signal, onSignal);
    if (!raw) stream.setRawMode(false);
  }
}

function stopped(progress: 'interrupted' | 'ended' | 'full'): Error {
  if (progress === 'interrupted') return new Interrupted('SIGINT');
  if (progress === 'full') {
    return new BrokerError('ERR_USAGE', 'the line is longer than 64 KiB', {
      hint: 'give it through a file: --stdin < FILE, or --fd 3 3< FILE',
    });
  }
  return new BrokerError('ERR_USAGE', 'the input ended before anything was typed', {
    hint: 'run the command again',
  });
}
