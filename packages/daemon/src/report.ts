import { writeSync } from 'node:fs';

const bugExitCode = 70;

/** Where lines go: standard error, and a file beside it. */
const outputs = [2];

/** Lines stand in this file too from now on: a service manager keeps standard error for itself. */
export function reportInto(fd: number): void {
  outputs.push(fd);
}

/**
 * One line of the daemon's log, whatever the text: paths and names in it are somebody else's. A log that
 * takes no more, or a reader that has gone, is no reason to end.
 */
export function report(line: string): void {
  const text = `${new Date().toISOString()} ${line.replace(unprintable, escaped)}\n`;
  for (const fd of outputs) {
    try {
      writeSync(fd, text);
    } catch {
      // Nobody is left to be told.
    }
  }
}

/** What begins another line, moves the cursor, hides or turns text around. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

/** From now on an error that nobody caught ends the process with 70, and leaves a line without its content. */
export function endOnBugs(): void {
  const end = (thrown: unknown): void => {
    // A dump of the error could show what its objects hold; its name is enough to find the place.
    report(`internal error: ${nameOf(thrown)}`);
    process.exit(bugExitCode);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

function nameOf(thrown: unknown): string {
  try {
    const name: unknown = thrown instanceof Error ? thrown.name : `thrown ${typeof thrown}`;
    return String(name);
  } catch {
    return 'of no name';
  }
}
