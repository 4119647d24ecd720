import type { CommandSpec, GroupSpec } from '../spec.ts';

const times = ['once', 'session', '8h', '30d', 'always'];

export const approve: CommandSpec = {
  name: 'approve',
  summary: 'look at a launch that waits, and allow it',
  details:
    'The whole request is shown on the terminal and ends with a code, which is typed to allow it. ' +
    'Without a terminal, the passphrase of the sealed file proves that a person is there.\n\n' +
    'Without VARIABLEs all of them are allowed but those that would steer the process; these are ' +
    'allowed when they are named. What is not allowed still waits.\n\n' +
    'Without --for a launch is allowed always when what runs is bound to its content, and else for as ' +
    'long as the request says, with the reason.',
  arguments: [
    ['[ID|SERVER]', 'which request; it can be left out when only one waits', 'request'],
    ['[VARIABLE...]', 'these variables alone'],
  ],
  options: [
    [
      '--for <TIME>',
      'once, session (until lock or stop), always, or a time such as 8h or 30d',
      times,
    ],
    ['--workspace <DIR>', 'in this folder and below alone; the launch was asked for in it'],
    ['--fd <N>', 'read the passphrase of the sealed file from descriptor N'],
  ],
  example: 'mcp approve',
  async run(given, session) {
    const commands = await import('../approve.ts');
    const [which, ...variables] = given.rest;
    return commands.approve(
      {
        which,
        variables,
        lifetime: given.text('for'),
        workspace: given.text('workspace'),
        fd: given.whole('fd'),
      },
      session,
    );
  },
};

export const deny: CommandSpec = {
  name: 'deny',
  summary: 'refuse a launch that waits',
  details:
    'The request is dropped, and the same launch is refused without asking until the sealed file is ' +
    'locked or the daemon stops. With --for once it is dropped and nothing else.',
  arguments: [['ID|SERVER', 'which request', 'request']],
  options: [
    ['--for <TIME>', 'once, session (the default), always, or a time such as 8h or 30d', times],
  ],
  example: 'mcp deny github --for 8h',
  async run(given, session) {
    const commands = await import('../approvals.ts');
    const which = given.argument(0) ?? '';
    return commands.deny({ which, lifetime: given.text('for') }, session);
  },
};

const list: CommandSpec = {
  name: 'list',
  summary: 'show what waits for you, then what you decided',
  details:
    'The same as mcp approvals alone. A file of grants that grants nothing is told with the reason.',
  example: 'mcp approvals list',
  async run(_given, session) {
    const { listApprovals } = await import('../approvals.ts');
    return listApprovals(session);
  },
};

const revoke: CommandSpec = {
  name: 'revoke',
  summary: 'take back what you decided',
  details: 'A server that runs goes on; its next launch asks again.',
  arguments: [['[SERVER|ID]', 'one grant or denial by its id, or all of a server', 'grant']],
  options: [['--all', 'every one']],
  example: 'mcp approvals revoke --all',
  async run(given, session) {
    const commands = await import('../approvals.ts');
    return commands.revoke({ which: given.argument(0), all: given.flag('all') }, session);
  },
};

export const approvals: GroupSpec = {
  name: 'approvals',
  summary: 'what waits for you, and what you allowed and refused',
  commands: [list, revoke],
  alone: 'list',
};
