import { basename } from 'node:path';
import type { LaunchPackage, ProgramFile } from '../protocol/approvals.ts';
import type { FileIdentity } from '../protocol/messages.ts';
import type { Digests } from './digests.ts';
import { findCommand } from './find-command.ts';
import { createTrail } from './trail.ts';

/** What the daemon is asked to look at; of the caller only what it would start the server with. */
export interface ProgramQuestion {
  /** As typed: a name to look up, or a path. */
  readonly command: string;
  readonly args: readonly string[];
  /** The server's PATH; null when it has none. */
  readonly searchPath: string | null;
  /** From the kernel. */
  readonly workingDirectory: string;
  /** A variable of the server's environment, as far as it is known here (`NODE_PATH`, `npm_config_cache`). */
  variable(name: string): string | undefined;
  /** Where caches of the user lie. */
  readonly home: string;
}

/** What a launch runs, as far as it can be followed. */
export interface Program {
  /** In the order in which each leads to the next; the first is the command. */
  readonly files: readonly ProgramFile[];
  /** The same order; the path of the first is what the wrapper runs. */
  readonly identities: readonly FileIdentity[];
  readonly package?: LaunchPackage;
  /** The working folder decides what runs. */
  readonly needsFolder: boolean;
  /** PATH decides what runs, beyond the command itself. */
  readonly needsPath: boolean;
  /** Content that cannot be bound: how long a grant may live at most, and why. */
  readonly limit?: { readonly ms: number; readonly reason: string };
}

export interface Programs {
  /**
   * Throws `ERR_COMMAND_NOT_FOUND` or `ERR_NOT_EXECUTABLE` for the command, an interpreter or a script
   * that is not there or cannot be read, and `ERR_CHANGED` when one is written meanwhile.
   */
  examine(question: ProgramQuestion): Promise<Program>;
}

export function createPrograms(digests: Digests): Programs {
  return {
    async examine(question) {
      const trail = createTrail(digests, question);
      if (question.command.includes('/') && !question.command.startsWith('/')) trail.needFolder();
      const path = findCommand(question.command, question.searchPath, question.workingDirectory);
      await trail.follow('command', path, question.args, basename(question.command));
      return trail.program();
    },
  };
}
