import { basename } from 'node:path';
import type { Digests } from './digests.ts';
import { findCommand } from './find-command.ts';
import type { Program, ProgramQuestion } from './interpreter.ts';
import { findInterpreter } from './interpreters.ts';
import { createTrail } from './trail.ts';

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
      const trail = createTrail(digests, question, findInterpreter);
      if (question.command.includes('/') && !question.command.startsWith('/')) trail.needFolder();
      const path = findCommand(question.command, question.searchPath, () => trail.folder);
      await trail.follow('command', path, question.args, basename(question.command));
      return trail.program();
    },
  };
}
