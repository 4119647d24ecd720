import { createCommandStore } from './command-store.ts';
import { checkContract } from './suite.ts';

const shell = (script: string): readonly string[] => ['/bin/sh', '-c', script];

checkContract({
  name: 'a command backend',
  create: createCommandStore,
  capabilities: {
    methods: ['put', 'list'],
    values: ['empty', 'binary', '64 KiB'],
    versions: false,
    listed: [0, 1, 1000],
  },
  faults: {
    'a tool that is not there': {
      code: 'ERR_COMMAND_NOT_FOUND',
      create: () => createCommandStore({ argv: ['/nowhere/tool'] }),
    },
    'a tool that may not be run': {
      code: 'ERR_NOT_EXECUTABLE',
      create: () => createCommandStore({ argv: ['/etc/passwd'] }),
    },
    'a tool that refuses': {
      code: 'ERR_BACKEND_DENIED',
      create: () => createCommandStore({ argv: shell('cat >/dev/null; exit 4') }),
    },
    'a tool that fails and repeats what it was given': {
      code: 'ERR_BACKEND_UNAVAILABLE',
      create: () => createCommandStore({ argv: shell('tee /dev/stderr | base64 >&2; exit 1') }),
    },
    'a tool that lacks something': {
      code: 'ERR_BACKEND_UNAVAILABLE',
      create: () => createCommandStore({ argv: shell('exec /nowhere/tool') }),
    },
    'a tool that is killed': {
      code: 'ERR_BACKEND_UNAVAILABLE',
      create: () => createCommandStore({ argv: shell('kill -SEGV $$') }),
    },
    'a tool that takes too long, and what it has started': {
      code: 'ERR_BACKEND_UNAVAILABLE',
      create: () => createCommandStore({ argv: shell('sleep 1000 | sleep 1000'), timeoutMs: 200 }),
    },
    'a tool that prints without end': {
      code: 'ERR_BACKEND_UNAVAILABLE',
      create: () => createCommandStore({ argv: shell('yes $(cat)') }),
    },
  },
});
