import { BrokerError } from '@mcp-broker/daemon/protocol';

import type { Session } from '../commands/session.ts';
import { bash } from './bash.ts';
import { fish } from './fish.ts';
import { isShell, shells } from './shells.ts';
import { zsh } from './zsh.ts';

const scripts = { bash, zsh, fish };

export async function printCompletion(shell: string, { output }: Session): Promise<number> {
  if (!isShell(shell)) {
    throw new BrokerError('ERR_USAGE', 'this shell cannot be completed for', {
      hint: shells.map((name) => `mcp completion ${name}`).join(', '),
    });
  }
  output.result(scripts[shell], { shell, script: scripts[shell] });
  return 0;
}
