import type { UserConfig } from 'tsdown';
import { licences } from '../../scripts/licences.ts';

const shared: UserConfig = {
  platform: 'node',
  target: 'node22.19',
  dts: false,
  fixedExtension: true,
};

/**
 * The hot path: one file, CommonJS (Node starts it two milliseconds sooner than ESM), without
 * whitespace (it has to be scanned at each launch) but with its names, since people read what they run.
 */
const hotPath: UserConfig = {
  ...shared,
  format: 'cjs',
  // From the sources, so that no other package has to be built first.
  inputOptions: { resolve: { conditionNames: ['dev', 'node', 'import', 'default'] } },
  deps: { alwaysBundle: [/^@mcp-broker\//] },
  outputOptions: { codeSplitting: false },
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  checks: { legacyCjs: false },
};

/** What the hot path loads by a dynamic import, and where that lies once it is built. */
const late: Readonly<Record<string, string>> = {
  './commands/index.ts': './commands.mjs',
  '../commands/index.ts': './commands.mjs',
  './guard/index.ts': './guard.mjs',
  '../guard/index.ts': './guard.mjs',
};
const loadedLate: UserConfig['plugins'] = {
  name: 'loaded-late',
  resolveId: (source) => {
    const id = late[source];
    return id === undefined ? undefined : { id, external: true };
  },
};

const config: UserConfig[] = [
  { ...hotPath, entry: { mcp: 'src/mcp.ts' }, plugins: [loadedLate] },
  {
    ...hotPath,
    entry: { main: 'src/command.ts' },
    plugins: [
      loadedLate,
      {
        name: 'imported-by-mcp.cjs',
        renderChunk: (code) => code.replaceAll(/\bimport\((?=["'`]\.)/gu, 'importLate('),
      },
    ],
  },
  {
    ...shared,
    entry: { commands: 'src/commands/index.ts', guard: 'src/guard/index.ts' },
    format: 'esm',
    plugins: [licences()],
    // Unbundled it takes a third of the start of a command.
    deps: { alwaysBundle: ['commander'], neverBundle: [/^@mcp-broker\//] },
  },
];

export default config;
