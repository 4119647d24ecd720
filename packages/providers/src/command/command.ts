import { BrokerError } from '../errors.ts';
import type { CallOptions, Item, Locator, Provider } from '../provider.ts';
import { Secret, type SecretInfo } from '../secret.ts';
import { copySecret } from '../secret-bytes.ts';
import { createAtOnce } from './at-once.ts';
import { failure, unavailable } from './failure.ts';
import { maskedText } from './masked.ts';
import { runTool, type ToolRun } from './run-tool.ts';
import type { CommandSettings, ToolContext, ToolOperation } from './tool.ts';

/** Of a value; docs/command-backends.md says so. */
const mostValue = 1024 * 1024;
const mostList = 4 * 1024 * 1024;
/** So many run at once: a launch with fifty references is no reason to start fifty programs. */
const mostRuns = 8;

const placeholder = '{name}';
const segment = /^(?!\.{1,2}$)[A-Za-z0-9._][A-Za-z0-9._-]*$/u;
const longestName = 1024;

/**
 * Any other store, through its own tool (docs/command-backends.md): an exit status of 0 and the value on
 * stdout, with one newline at the end taken off. The tool never runs before a person has approved it, so
 * this is no store that may be asked beforehand.
 */
export function createCommandProvider(settings: CommandSettings, context: ToolContext): Provider {
  const { backend } = context;
  const atOnce = createAtOnce(mostRuns);

  const run = (
    operation: ToolOperation,
    words: (argv: readonly string[]) => readonly string[],
    { signal }: CallOptions,
    input?: Uint8Array,
  ): Promise<ToolRun> =>
    atOnce(signal, async () => {
      const tool = await context.admitTool(operation);
      const { timeoutMs } = settings;
      const most = operation === 'list' ? mostList : mostValue + 1;
      const { after } = context;
      const argv = words(tool.argv);
      return runTool(tool, { argv, input, timeoutMs, most, signal, after });
    });

  /** Throws unless it did what it was asked to. */
  const requireDone = (ended: ToolRun, operation: ToolOperation, input?: Uint8Array): void => {
    if (ended.exit === 0 && ended.ended === undefined) {
      if (ended.tookInput) return;
      throw unavailable(backend, operation, 'ended well, and did not read the value', undefined);
    }
    const values = [ended.stdout, ...(input === undefined ? [] : [input])];
    throw failure(backend, operation, settings, ended, maskedText(ended.stderr, values));
  };

  return {
    local: false,

    locate: (name) => ({ path: name }),

    async get(locator, options) {
      const name = nameOf(backend, locator);
      const ended = await run('get', (argv) => filled(argv, name), options);
      try {
        if (isAbsent(ended, settings)) return undefined;
        requireDone(ended, 'get');
        return new Secret(valueOf(backend, ended.stdout));
      } finally {
        ended.wipe();
      }
    },

    ...(settings.set === undefined
      ? {}
      : {
          async put(
            locator: Locator,
            value: Uint8Array,
            options: CallOptions,
          ): Promise<SecretInfo> {
            const name = nameOf(backend, locator);
            // The caller may wipe its own while we wait for our turn.
            const input = copySecret(value);
            try {
              const ended = await run('set', (argv) => filled(argv, name), options, input);
              try {
                requireDone(ended, 'set', input);
                return {};
              } finally {
                ended.wipe();
              }
            } finally {
              input.fill(0);
            }
          },
        }),

    ...(settings.list === undefined
      ? {}
      : {
          async list(options: CallOptions): Promise<readonly Item[]> {
            const ended = await run('list', (argv) => argv, options);
            try {
              requireDone(ended, 'list');
              return itemsOf(ended.stdout);
            } finally {
              ended.wipe();
            }
          },
        }),
  };
}

/** `{name}` wherever it stands; without one, the name is the last argument. */
function filled(argv: readonly string[], name: string): readonly string[] {
  const [tool = '', ...args] = argv;
  const isNamed = args.some((word) => word.includes(placeholder));
  return [
    tool,
    ...args.map((word) => word.replaceAll(placeholder, () => name)),
    ...(isNamed ? [] : [name]),
  ];
}

/** What the tool is given for a locator. Never what it could take for an option or another folder. */
function nameOf(backend: string, { path, field, version }: Locator): string {
  if (field !== undefined || version !== undefined) {
    throw new BrokerError(
      'ERR_USAGE',
      `backend ${backend} knows names alone, no field or version`,
      {
        hint: 'let its get command pick the part: see docs/command-backends.md',
      },
    );
  }
  const isName = path.length <= longestName && path.split('/').every((part) => segment.test(part));
  if (isName) return path;
  throw new BrokerError('ERR_USAGE', `backend ${backend} cannot be asked for this name`, {
    hint: 'a name has letters, digits, dot, _, - and /, and no part of it begins with -',
  });
}

function isAbsent({ exit, ended }: ToolRun, { notFoundExit }: CommandSettings): boolean {
  return ended === undefined && exit !== null && exit !== 0 && notFoundExit.includes(exit);
}

/** A copy without the newline that tools end their output with. */
function valueOf(backend: string, stdout: Uint8Array): Buffer {
  // An empty value is a line without text: nothing at all is rather a tool that found nothing and says so nowhere.
  if (stdout.length === 0) throw unavailable(backend, 'get', 'printed nothing', undefined);
  const isLine = stdout.at(-1) === 0x0a;
  return copySecret(isLine ? stdout.subarray(0, -1) : stdout);
}

/** The lines that are names; a tool may print others, such as a heading. */
function itemsOf(stdout: Uint8Array): readonly Item[] {
  const lines = Buffer.from(stdout).toString('utf8').split(/\r?\n/u);
  const names = new Set(
    lines.filter((line) => line.split('/').every((part) => segment.test(part))),
  );
  return [...names].sort().map((name) => ({ name }));
}
