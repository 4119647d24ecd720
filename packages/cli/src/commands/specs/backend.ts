import type { CommandSpec, GroupSpec } from '../spec.ts';

const list: CommandSpec = {
  name: 'list',
  summary: 'show which backends there are, and how they are as far as this machine knows',
  details: 'A remote one is not asked for it: see mcp backend test.',
  example: 'mcp backend list',
  async run(_given, session) {
    const { listBackends } = await import('../backends.ts');
    return listBackends(session);
  },
};

const test: CommandSpec = {
  name: 'test',
  summary: 'reach a backend, authenticate, list and read, with the time that each took',
  details:
    'One value is read, and leaves the daemon not at all. Exit status 1 when a step fails. Each test ' +
    'has a line in the audit.',
  arguments: [['[NAME]', 'this one alone; without it each in turn']],
  example: 'mcp backend test sealed',
  async run(given, session) {
    const { testBackends } = await import('../backends.ts');
    return testBackends({ name: given.argument(0) }, session);
  },
};

export const backend: GroupSpec = {
  name: 'backend',
  summary: 'the stores that secrets lie in',
  commands: [list, test],
};
