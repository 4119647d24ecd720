import type { UserConfig } from 'tsdown';
import { licences } from '../../scripts/licences.ts';
import { builtinsUnread } from '../../scripts/quick-start.ts';

const shared: UserConfig = {
  format: 'esm',
  platform: 'node',
  target: 'node22.19',
  fixedExtension: false,
  // A third less to read at each start, with every name as it was.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
};

// zod and yaml are bundled: unbundled, zod alone costs the daemon's start a tenth of a second. The
// daemon's own process shares no file with what the command line loads, so that it reads few.
const config: UserConfig[] = [
  {
    ...shared,
    entry: {
      audit: 'src/audit/index.ts',
      client: 'src/client/index.ts',
      config: 'src/config/index.ts',
      processes: 'src/processes/index.ts',
      protocol: 'src/protocol/index.ts',
    },
    dts: true,
    plugins: [licences()],
  },
  // What few commands load: apart, so that what a launch loads stays in few files.
  {
    ...shared,
    entry: { 'client-files': 'src/client-files/index.ts', inspect: 'src/inspect/index.ts' },
    dts: true,
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    plugins: [licences('THIRD-PARTY-LICENCES-files.txt')],
  },
  // CommonJS, and all in one file: `mcp exec --replace` loads it before its server starts.
  {
    ...shared,
    format: 'cjs',
    fixedExtension: true,
    entry: { replace: 'src/processes/replace.ts' },
    inputOptions: { resolve: { conditionNames: ['dev', 'node', 'import', 'default'] } },
    deps: { alwaysBundle: [/^@mcp-broker\//] },
    dts: true,
    checks: { legacyCjs: false },
  },
  {
    ...shared,
    entry: { main: 'src/main.ts' },
    dts: false,
    // Its main file asks for its parts by computed names, which no bundler follows.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    plugins: [licences('THIRD-PARTY-LICENCES-main.txt'), builtinsUnread()],
    // What the part for entries shares with the others lies with what is loaded first anyway: each file
    // more is one more to read at each start.
    outputOptions: {
      codeSplitting: {
        groups: [
          { name: 'paths', test: /builtins-unread|src\/(?:paths|config\/suggest)\.ts|rolldown/ },
        ],
      },
    },
  },
];

export default config;
