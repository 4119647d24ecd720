import type { UserConfig } from 'tsdown';

const config: UserConfig = {
  entry: {
    index: 'src/index.ts',
    errors: 'src/errors.ts',
    'safe-open': 'src/safe-open.ts',
    'sealed-file-worker': 'src/sealed-file-worker.ts',
  },
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  dts: true,
  fixedExtension: false,
};

export default config;
