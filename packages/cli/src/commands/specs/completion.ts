import { shells } from '../../completion/shells.ts';
import type { CommandSpec } from '../spec.ts';

export const completion: CommandSpec = {
  name: 'completion',
  summary: 'print what makes a shell complete commands and names with the Tab key',
  details:
    'In ~/.bashrc: eval "$(mcp completion bash)". In ~/.zshrc, after compinit: ' +
    'eval "$(mcp completion zsh)". For fish, once: mcp completion fish > ' +
    '~/.config/fish/conf.d/mcp.fish\n\n' +
    'It is for mcp and mcp-broker. Names of servers, variables, backends and requests come from ' +
    'config.yaml and from the daemon if it runs; it is not started for this, and no value is read.',
  arguments: [[shells.join('|'), 'the shell']],
  example: `echo 'eval "$(mcp completion bash)"' >> ~/.bashrc`,
  async run(given, session) {
    const { printCompletion } = await import('../../completion/print.ts');
    return printCompletion(given.argument(0) ?? '', session);
  },
};
