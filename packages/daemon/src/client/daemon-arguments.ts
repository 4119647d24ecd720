import type { DaemonProgram } from './client.ts';
import type { Paths } from '../paths.ts';

/**
 * Closed to debuggers and to code from strings; reports hold no environment; memory is swept at a lock.
 * After a flood of connections V8 keeps its room for what is new: with 8 MiB at once, three times that.
 */
const nodeFlags: readonly string[] = [
  '--disable-sigusr1',
  '--report-exclude-env',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--expose-gc',
  '--max-semi-space-size=8',
];

/**
 * What follows `node` to run the daemon of these paths, in the background or the foreground. With `log` it
 * writes into its log what it says on standard error, which a service manager keeps elsewhere.
 */
export function daemonArguments(
  paths: Paths,
  program: DaemonProgram,
  { log = false }: { readonly log?: boolean } = {},
): string[] {
  return [
    ...nodeFlags,
    ...(program.execArgv ?? []),
    program.main(),
    '--home',
    paths.home,
    ...(paths.state === paths.home ? [] : ['--config', paths.config]),
    ...(log ? ['--log'] : []),
  ];
}
