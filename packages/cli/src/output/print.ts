/**
 * The one file that prints for the commands. Its rules:
 *
 * 1. stdout carries results, what was asked for, and nothing else. stderr carries notes and errors
 *    (report.ts prints those), so that a pipe never has to tell them apart.
 * 2. With `--json` the result is one JSON document with stable field names, also for a confirmation;
 *    what streams is one JSON document a line.
 *    A table fits the terminal that it goes to (table.ts); in a pipe nothing is cut, and no sequence stands.
 * 3. `--quiet` leaves out confirmations and notes. Results, warnings and errors stay.
 * 4. Colour only on a terminal, never with NO_COLOR, `--no-color` or TERM=dumb, and never alone: a
 *    state that is coloured is also a word.
 * 5. Text that someone else wrote (names, arguments, log lines) passes `escape` on its way to a person:
 *    here for all that is one line, in tables and requests for each cell. In JSON it stands as escapes.
 *    Messages of our own are lower case, have no full stop, and name the thing, never a value.
 */
import { once } from 'node:events';
import { styleText } from 'node:util';

import { BrokerError } from '@mcp-broker/daemon/protocol';

import { addressed, type Places } from './hint.ts';
import { reportError } from './report.ts';
import { escape, json } from './terminal.ts';

export interface Sink {
  readonly isTTY?: boolean;
  /** Of a terminal: how wide it is. */
  readonly columns?: number;
  write(text: string): unknown;
}

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
  /** Progress is shown and taken back on a terminal; not on one that cannot erase. */
  readonly progress?: boolean;
  readonly places?: Places;
  readonly stdout?: Sink;
  readonly stderr?: Sink;
}

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

export interface Output {
  readonly json: boolean;
  /** What a table has to fit into: as wide as the terminal is; undefined in a pipe, where nothing is cut. */
  readonly columns: number | undefined;
  /** What was asked for: whole lines of text, or with `--json` the value. */
  result(text: string, value: unknown): void;
  /** That something was done: one line, or with `--json` the value. `--quiet` leaves the line out. */
  done(line: string, value: unknown): void;
  /** One line of a stream, as it came in JSON, or as a person reads it. */
  line(text: string): void;
  /** Whole lines of a long result, escaped already; resolves once there is room for more. */
  pour(text: string): Promise<void>;
  /** One line to the person at the terminal, on stderr. */
  note(line: string): void;
  /** Whole lines of text on stderr, for whoever reads along. */
  aside(text: string): void;
  /** Something that is not as it should be, although the command goes on. */
  warn(line: string): void;
  /**
   * What is being waited for, once that has taken a second; gives what takes the line back. Nothing but on
   * a terminal, and nothing while another line says what is waited for.
   */
  progress(line: string): () => void;
  /** Commands to type, with the options that choose the home of this call. */
  typed(text: string): string;
  style(style: Style, text: string): string;
  /** As `style`, for the controlling terminal, whatever stdout is. */
  paint(style: Style, text: string): string;
}

/** What ends sooner needs no word. */
const patienceMs = 1000;

export function createOutput(options: OutputOptions): Output {
  const stdout = options.stdout ?? process.stdout;
  const stderr = options.stderr ?? process.stderr;
  const paint = (style: Style, text: string): string =>
    options.colour ? styleText(style, text, { validateStream: false }) : text;
  const typed = (text: string): string => addressed(text, options.places ?? {});
  let isWaiting = false;
  const document = (value: unknown): void => {
    stdout.write(`${json(value, 2)}\n`);
  };
  return {
    json: options.json,
    columns: stdout.isTTY === true ? Math.max(stdout.columns ?? 80, 20) : undefined,
    result(text, value) {
      if (options.json) document(value);
      else stdout.write(text);
    },
    done(line, value) {
      if (options.json) document(value);
      else if (!options.quiet) stdout.write(`${escape(line)}\n`);
    },
    line(text) {
      stdout.write(`${options.json ? text : escape(text)}\n`);
    },
    async pour(text) {
      if (stdout.write(text) === false && 'once' in stdout) await once(stdout, 'drain');
    },
    note(line) {
      if (!options.quiet) stderr.write(`mcp: ${escape(typed(line))}\n`);
    },
    aside(text) {
      if (!options.quiet) stderr.write(text);
    },
    warn(line) {
      stderr.write(`mcp: warning: ${escape(typed(line))}\n`);
    },
    progress(line) {
      const isShown = options.progress === true && !options.quiet && stderr.isTTY === true;
      if (!isShown || isWaiting) return () => {};
      isWaiting = true;
      let shown = false;
      const timer = setTimeout(() => {
        shown = true;
        stderr.write(`mcp: ${escape(line)} …`);
      }, patienceMs);
      timer.unref();
      return () => {
        clearTimeout(timer);
        isWaiting = false;
        if (shown) stderr.write('\r\u001b[K');
        shown = false;
      };
    },
    typed,
    style: (style, text) => (stdout.isTTY === true ? paint(style, text) : text),
    paint,
  };
}

/** Text that is printed before there are options: help, the version, what to do next. */
export function writeOut(text: string, kind: 'result' | 'message'): void {
  (kind === 'result' ? process.stdout : process.stderr).write(text);
}

/** Whether colour is wanted at all; `createOutput` adds that stdout has to be a terminal. */
export function wantsColour(
  refused: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return !refused && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
}

/** The reader of our pipe went away: end as SIGPIPE would end us, without a word. A full disk is told. */
export function endOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(128 + 13);
      const failure = new BrokerError('ERR_USAGE', `the output cannot be written: ${error.code}`, {
        hint: 'make room, or send it elsewhere',
        cause: error,
      });
      process.exit(reportError(failure));
    });
  }
}
