/**
 * The rules of what `mcp` says when something goes wrong:
 *
 * - stdout belongs to the server's MCP stream or to a command's result; errors go to stderr alone.
 * - `mcp: error: …` says what is wrong, one line for each problem; `mcp: hint: …` says what to do,
 *   each hint once, for the home of this call. A line holds no value of a secret and no stack.
 * - What came from elsewhere (names, paths, a daemon's text) cannot move the cursor or start a line.
 */
import { writeSync } from 'node:fs';
import { toBrokerError, type ErrorShape } from '@mcp-broker/daemon/protocol';

import { addressed, type Places } from './hint.ts';
import { escape } from './terminal.ts';

/** Prints any thrown thing with its hints on stderr, and gives the exit code it stands for. */
export function reportError(error: unknown, places: Places = {}): number {
  const failure = toBrokerError(error);
  writeLines(errorLines(failure.toShape(), places));
  return failure.exitCode;
}

/** Says that a launch waits for a person, and what that person types. */
export function reportWaiting(hint: string, places: Places = {}): void {
  writeLines([`mcp: waiting for approval: ${escape(addressed(hint, places))}`]);
}

/** The lines for one error; one with `problems` is shown as these alone. */
export function errorLines(shape: ErrorShape, places: Places = {}): string[] {
  const problems =
    shape.problems === undefined || shape.problems.length === 0 ? [shape] : shape.problems;
  const hints = new Set([shape, ...problems].flatMap(({ hint }) => (hint ? [hint] : [])));
  return [
    ...problems.map(({ message }) => `mcp: error: ${escape(message)}`),
    ...[...hints].map((hint) => `mcp: hint: ${escape(addressed(hint, places))}`),
  ];
}

/** Writes without a stream, which would cost a millisecond and may not be flushed at exit. */
function writeLines(lines: readonly string[]): void {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(2, bytes, written);
    } catch (error) {
      // A full pipe that does not block: its reader is slow. Anything else: nobody is there to read.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}
