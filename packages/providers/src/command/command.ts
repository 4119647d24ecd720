import { BrokerError } from '../errors.ts';
import type { CallOptions, Item, Locator, Provider } from '../provider.ts';
import { Secret, type SecretInfo } from '../secret.ts';
import { copySecret } from '../secret-bytes.ts';
import { maskedText } from './masked.ts';
import { aborted, runTool, type ToolRun } from './run-tool.ts';
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
  const atOnce = createTurns(mostRuns);

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

function failure(
  backend: string,
  operation: ToolOperation,
  settings: CommandSettings,
  { exit, signal, ended }: ToolRun,
  said: string | undefined,
): BrokerError {
  if (ended === 'timeout') {
    const seconds = Math.round(settings.timeoutMs / 1000);
    return unavailable(backend, operation, `did not end within ${seconds} s`, said, true);
  }
  if (ended === 'too long') {
    return unavailable(backend, operation, 'printed more than it may', undefined);
  }
  if (exit === null)
    return unavailable(backend, operation, `was ended by ${signal ?? 'a signal'}`, said);
  if (settings.deniedExit.includes(exit)) {
    return new BrokerError(
      'ERR_BACKEND_DENIED',
      message(backend, operation, `refused, with exit status ${exit}`, said),
      { hint: 'correct our rights in that store, with its own tool' },
    );
  }
  if (exit === 126 || exit === 127) {
    const what = `something that it runs cannot be run or was not found (exit status ${exit})`;
    return new BrokerError(
      'ERR_BACKEND_UNAVAILABLE',
      message(backend, operation, `: ${what}`, said),
      {
        hint: 'it finds programs by settings.path of config.yaml alone',
      },
    );
  }
  return unavailable(backend, operation, `failed with exit status ${exit}`, said);
}

function unavailable(
  backend: string,
  operation: ToolOperation,
  what: string,
  said: string | undefined,
  retryable = false,
): BrokerError {
  return new BrokerError('ERR_BACKEND_UNAVAILABLE', message(backend, operation, what, said), {
    hint: `try that command by hand; what its exit status means: docs/command-backends.md`,
    retryable,
  });
}

function message(
  backend: string,
  operation: ToolOperation,
  what: string,
  said: string | undefined,
): string {
  const text = `the ${operation} command of backend ${backend}${what.startsWith(':') ? '' : ' '}${what}`;
  return said === undefined ? text : `${text}: ${said}`;
}

/** At most so many at once; whoever waits gives up with its signal. */
function createTurns(
  most: number,
): <T>(signal: AbortSignal, action: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (running < most) {
      running += 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const next = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(next), 1);
        reject(aborted());
      };
      waiting.push(next);
      signal.addEventListener('abort', leave, { once: true });
    });
  };
  return async (signal, action) => {
    if (signal.aborted) throw aborted();
    await turn(signal);
    try {
      return await action();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
