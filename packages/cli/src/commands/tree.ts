import type { OptionSpec, Spec } from './spec.ts';
import { audit } from './specs/audit.ts';
import { approvals, approve, deny } from './specs/approvals.ts';
import { backend } from './specs/backend.ts';
import { doctor, exec, init, lock, run, status, unlock } from './specs/basics.ts';
import { clients } from './specs/clients.ts';
import { completion } from './specs/completion.ts';
import { config } from './specs/config.ts';
import { daemon } from './specs/daemon.ts';
import { cache, secret } from './specs/secret.ts';

/** Every command, in the order of the help. What does the work is loaded when it is called. */
export const tree: readonly Spec[] = [
  init,
  status,
  doctor,
  secret,
  backend,
  exec,
  run,
  approve,
  deny,
  approvals,
  lock,
  unlock,
  cache,
  daemon,
  audit,
  clients,
  config,
  completion,
];

/** Options that every command takes, before and after its name. */
export const globalOptions: readonly OptionSpec[] = [
  ['--config <FILE>', 'another environment: its own daemon, grants and audit, the same secrets'],
  ['--home <DIR>', 'the home (default: MCP_HOME, else ~/.mcp)'],
  ['--json', 'print results as JSON'],
  ['--quiet', 'print results, warnings and errors alone'],
  ['--verbose', 'print the code of an error too'],
  ['--no-color', 'no colour, also on a terminal'],
];
