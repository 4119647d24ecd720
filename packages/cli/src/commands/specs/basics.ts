import type { CommandSpec } from '../spec.ts';

export const init: CommandSpec = {
  name: 'init',
  summary: 'set up a home: folder, config.yaml, and the keychain or the sealed file',
  details:
    'Secrets go to the keychain of this system where it works, which is tried with an item that is removed ' +
    'again, and else to the sealed file. That one is opened by a passphrase, which is asked for twice or comes ' +
    'on a descriptor. A home that is there is kept; what others could read of it is made private.',
  options: [
    ['--yes', 'ask nothing'],
    ['--backend <NAME>', 'where secrets go, and nowhere else: keychain or sealed'],
    ['--fd <N>', 'the sealed file, and read its new passphrase from descriptor N'],
    [
      '--identity-file <FILE>',
      'the sealed file, with an identity that is there already, and no passphrase',
    ],
  ],
  example: 'mcp init',
  async run(given, session) {
    const { initialise } = await import('../init.ts');
    return initialise(
      {
        yes: given.flag('yes'),
        backend: given.text('backend'),
        fd: given.whole('fd'),
        identityFile: given.text('identity-file'),
      },
      session,
    );
  },
};

export const status: CommandSpec = {
  name: 'status',
  summary: 'show the daemon, its backends, cache, grants, audit and the launches that run',
  details: 'Exit status 69 when the daemon does not run; it is not started for this.',
  example: 'mcp status',
  async run(_given, session) {
    const { showStatus } = await import('../status.ts');
    return showStatus(session);
  },
};

export const doctor: CommandSpec = {
  name: 'doctor',
  summary: 'look for what is wrong or could be better, and say what to do about it',
  details:
    'One line for each finding, with its cause and its remedy. Exit status 1 when something is wrong, 0 when there is ' +
    'advice at most. The daemon is not started for this, but for what --fix mends.',
  options: [['--fix', 'mend what can be mended safely, and say what was done']],
  example: 'mcp doctor || mcp doctor --fix',
  async run(given, session) {
    const { examine } = await import('../doctor/doctor.ts');
    return examine({ fix: given.flag('fix') }, session);
  },
};

export const lock: CommandSpec = {
  name: 'lock',
  summary: 'lock the home and forget every value in memory',
  details:
    'A home on the keychain stays locked until it is unlocked, also when the daemon starts anew.',
  example: 'mcp lock',
  async run(_given, session) {
    const commands = await import('../locking.ts');
    return commands.lock(session);
  },
};

export const unlock: CommandSpec = {
  name: 'unlock',
  summary: 'unlock the home until it is locked or lies idle',
  details: 'A home on the keychain has no passphrase: its key is asked of the keychain.',
  options: [['--fd <N>', 'read the passphrase from descriptor N']],
  example: 'mcp unlock',
  async run(given, session) {
    const commands = await import('../locking.ts');
    return commands.unlock({ fd: given.whole('fd') }, session);
  },
};

const exampleLaunch = "mcp exec --env API_TOKEN='$<API_TOKEN>' -- node server.js";

/** Handled before this tree is loaded; it stands here for its help alone. */
export const exec: CommandSpec = {
  name: 'exec',
  summary: 'start an MCP server with its secrets in its environment',
  details:
    'References ($<NAME>) in the inherited environment and in --env are replaced. stdin, stdout and ' +
    "stderr are the server's own, and so is the exit status. It never asks anything. It stays beside the " +
    'server and passes signals on; when its client closes stdin, or it is told to end, all that the server has ' +
    'started ends too, and when it is killed itself, the daemon ends what has a value. With --replace it is the ' +
    'server: that is for its parent to end, and what it leaves is left.',
  arguments: [
    [
      'COMMAND [ARG...]',
      'the server, after --; one word without -- is the name of a server in config.yaml',
    ],
  ],
  options: [
    [
      '--from <FILE>',
      "take the server of that name from an MCP client's file, and read it as that client does",
    ],
    ['--env <KEY=REF>', 'set a variable for the server; may be given more than once'],
    ['--server <NAME>', 'what to call this server in requests and in the audit'],
    ['--allow-args', 'read $<NAME> in arguments too, where every process can see the value'],
    ['--replace', 'become the server (same pid), and do not stay beside it; see above'],
    [
      '--wait-approval <DURATION>',
      'if nobody has approved it yet, wait this long (30s, 5m; at most 1h)',
    ],
  ],
  example: exampleLaunch,
  async run() {
    const { refuseLateExec } = await import('../late-exec.ts');
    return refuseLateExec();
  },
};

export const run: CommandSpec = {
  ...exec,
  name: 'run',
  summary: 'the same as exec',
  example: exampleLaunch.replace('mcp exec', 'mcp run'),
};
