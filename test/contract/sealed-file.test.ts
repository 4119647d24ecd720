import { writeFileSync } from 'node:fs';
import { createHome, type Home } from './sealed-file-home.ts';
import { checkContract } from './suite.ts';

const spoiled = (spoil: (home: Home) => void | Promise<void>) => async (): Promise<Home> => {
  const home = await createHome();
  await spoil(home);
  return home;
};

checkContract({
  name: 'the sealed file',
  create: createHome,
  capabilities: {
    methods: ['put', 'delete', 'list', 'history', 'check'],
    values: ['empty', 'binary', '64 KiB'],
    versions: true,
    listed: [0, 1, 1000],
  },
  faults: {
    'no file': { code: 'ERR_NO_HOME', create: () => createHome({ empty: true }) },
    'a locked file': {
      code: 'ERR_LOCKED',
      create: spoiled((home) => home.lockIdentity()),
    },
    'a file that is no age file': {
      code: 'ERR_CORRUPT',
      create: spoiled((home) => writeFileSync(home.file, '{"version": 1, "secrets": {}}')),
    },
    'a file for another identity': {
      code: 'ERR_CORRUPT',
      create: spoiled((home) => home.replaceIdentity()),
    },
    'a document of another version': {
      code: 'ERR_CORRUPT',
      create: spoiled((home) => home.write(Buffer.from('{"version": 2, "secrets": {}}'))),
    },
  },
});
