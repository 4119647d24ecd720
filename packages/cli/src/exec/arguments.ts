import { BrokerError, isVariableName, parseDuration } from '@mcp-broker/daemon/protocol';

/** One `mcp exec`, as typed. */
export interface ExecInput {
  /** Empty where an entry says what is run. */
  readonly command: string;
  readonly args: readonly string[];
  /** `--env`, in order; no name twice. */
  readonly entries: ReadonlyMap<string, string>;
  /** A server of config.yaml; with `file` (`--from`), an entry of a client's file. */
  readonly entry: { readonly file: string | undefined; readonly name: string } | undefined;
  readonly server: string | undefined;
  readonly allowArgs: boolean;
  /** To become the server, and not to stay beside it. */
  readonly replace: boolean;
  /** `--wait-approval`: how long to wait for a person, in milliseconds. */
  readonly waitMs: number | undefined;
  readonly home: string | undefined;
  readonly config: string | undefined;
}

/** Options that stand before the command's name as well, and whether each takes a value. */
const globalOptions: Readonly<Record<string, boolean>> = {
  '--home': true,
  '--config': true,
  '--json': false,
  '--quiet': false,
  '--verbose': false,
  '--no-color': false,
};

const execOptions: Readonly<Record<string, boolean>> = {
  ...globalOptions,
  '--env': true,
  '--from': true,
  '--server': true,
  '--allow-args': false,
  '--replace': false,
  '--wait-approval': true,
};

const example = "mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND [ARG...]";

/**
 * Reads the arguments of `mcp` when they are those of `exec` (or `run`). Undefined: another command, a
 * call for help, or an option that there is not: the commands answer, with what may have been meant.
 * Throws `ERR_USAGE`.
 */
export function parseExec(argv: readonly string[]): ExecInput | undefined {
  const leading = readOptions(argv, 0, globalOptions);
  const name = argv[leading.next];
  if (name !== 'exec' && name !== 'run') return undefined;

  const { found, next } = readOptions(argv, leading.next + 1, execOptions);
  const stop = argv[next];
  const explicit = stop === '--';
  if (stop?.startsWith('-') === true && stop !== '-' && !explicit) {
    refuseSecretOption(stop);
    return undefined;
  }

  const options = [...leading.found, ...found];
  // First: the command may have been taken for its value.
  const waitMs = readWait(last(options, '--wait-approval'));
  const [command, ...args] = argv.slice(explicit ? next + 1 : next);
  const isMissing = command === undefined || command === '';
  const file = last(options, '--from');
  if (file !== undefined && (explicit || args.length > 0 || isMissing)) {
    throw new BrokerError(
      'ERR_USAGE',
      '--from takes one word, the name of the server in the file',
      {
        hint: `mcp ${name} --from FILE NAME`,
      },
    );
  }
  if (isMissing) {
    throw new BrokerError('ERR_USAGE', `${name} needs a command to run`, { hint: example });
  }
  const isEntry = !explicit && args.length === 0;
  return {
    command: isEntry ? '' : command,
    args,
    entry: isEntry ? { file, name: command } : undefined,
    entries: readEntries(options),
    server: last(options, '--server'),
    allowArgs: options.some(([option]) => option === '--allow-args'),
    replace: options.some(([option]) => option === '--replace'),
    waitMs,
    home: last(options, '--home'),
    config: last(options, '--config'),
  };
}

type Option = readonly [name: string, value: string];

/** Reads known options from `start` on; `next` is the index of the first argument that is none. */
function readOptions(
  argv: readonly string[],
  start: number,
  known: Readonly<Record<string, boolean>>,
): { readonly found: readonly Option[]; readonly next: number } {
  const found: Option[] = [];
  let next = start;
  for (;;) {
    const argument = argv[next] ?? '';
    const equals = argument.indexOf('=');
    const name = equals === -1 ? argument : argument.slice(0, equals);
    if (!Object.hasOwn(known, name)) return { found, next };
    const takesValue = known[name] === true;
    if (!takesValue && equals !== -1) throw usage(`${name} takes no value`);
    let value = equals === -1 ? '' : argument.slice(equals + 1);
    next += 1;
    if (takesValue && equals === -1) {
      const following = argv[next];
      if (following === undefined) throw usage(`${name} needs a value`);
      value = following;
      next += 1;
    }
    found.push([name, value]);
  }
}

function readEntries(options: readonly Option[]): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const [option, text] of options) {
    if (option !== '--env') continue;
    const equals = text.indexOf('=');
    // Never the text as a whole: someone may have typed a secret.
    if (equals === -1) throw usage('--env needs KEY=REF');
    const name = text.slice(0, equals);
    if (!isVariableName(name)) throw usage(`--env: ${JSON.stringify(name)} is not a variable name`);
    if (name === 'MCP_LAUNCH') throw usage('--env: MCP_LAUNCH is set by mcp itself');
    if (entries.has(name)) throw usage(`--env: ${name} is given twice`);
    entries.set(name, text.slice(equals + 1));
  }
  return entries;
}

const maxWaitMs = 3_600_000;

function readWait(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const waitMs = parseDuration(text);
  if (waitMs === undefined || waitMs > maxWaitMs) {
    throw usage('--wait-approval needs a duration of at most 1h, such as 30s or 5m');
  }
  return waitMs;
}

function last(options: readonly Option[], wanted: string): string | undefined {
  const value = options.findLast(([name]) => name === wanted)?.[1];
  if (value === '') throw usage(`${wanted} needs a value`);
  return value;
}

const secretOptions = /^--?(password|passphrase|passwd|secret|token|key|value)\b/i;

function refuseSecretOption(argument: string): void {
  // Without what follows `=`: it may be a secret.
  const name = argument.split('=', 1)[0] ?? argument;
  if (!secretOptions.test(name)) return;
  throw new BrokerError('ERR_USAGE', `${name}: no option takes a secret`, {
    hint: 'keep it with `mcp secret set NAME` and pass a reference: ' + example,
  });
}

function usage(message: string): BrokerError {
  return new BrokerError('ERR_USAGE', message, { hint: 'see `mcp exec --help`' });
}
