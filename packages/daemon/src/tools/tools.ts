import type { AdmittedTool, CommandSettings, ToolOperation } from '@mcp-broker/providers';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Config } from '../config/index.ts';
import { personalFolder, type Paths } from '../paths.ts';
import { fingerprint } from '../policy/fingerprint.ts';
import { holdProgram } from '../program/hold-program.ts';
import type { Program } from '../program/interpreter.ts';
import type { Programs } from '../program/program.ts';
import type { BackendTool, LaunchDescription, PendingApproval } from '../protocol/approvals.ts';
import { toolReference } from './tool-reference.ts';
import { proxies, toolEnvironment, toolPath } from './environment.ts';

/** The commands of one backend, as they would run now. */
export interface ExaminedTool extends Pick<PendingApproval, 'limit'> {
  readonly tool: BackendTool;
  readonly description: LaunchDescription;
  readonly fingerprint: string;
}

/** The tools that backends are reached by: the daemon runs them itself, once a person has approved them. */
export interface Tools {
  /**
   * Finds out for itself what the commands of a backend are; undefined for a backend without any. Throws
   * `ERR_COMMAND_NOT_FOUND` and `ERR_NOT_EXECUTABLE`, which name the backend.
   */
  examine(backend: string): Promise<ExaminedTool | undefined>;
  /** Tools of this fingerprint may run until the release; whoever asks has seen the grant. */
  permit(fingerprint: string): () => void;
  /**
   * What to run for one operation of a backend with these settings, looked at anew. Throws
   * `ERR_NOT_APPROVED` unless what would run has a permit at this moment.
   */
  admit(backend: string, settings: unknown, operation: ToolOperation): Promise<AdmittedTool>;
}

export interface ToolsOptions {
  readonly paths: Pick<Paths, 'config'>;
  readonly programs: Programs;
  readonly config: () => Pick<Config, 'settings' | 'backends'>;
}

const kind = 'command';

/** The schema of config.yaml says that it is so. */
type Settings = CommandSettings & { readonly env?: Readonly<Record<string, string>> };

interface Look extends ExaminedTool {
  readonly programs: ReadonlyMap<ToolOperation, Program>;
  /** What the fingerprint has seen of it is what the tool gets, whatever the config says by then. */
  readonly environment: Readonly<Record<string, string>>;
}

export function createTools({ paths, programs, config }: ToolsOptions): Tools {
  const permits = new Map<string, number>();

  const look = async (backend: string, settings: Settings): Promise<Look> => {
    // Once: it may be loaded anew while the files are read.
    const now = config();
    const environment = toolEnvironment(now, settings.env);
    const searchPath = environment['PATH'] ?? toolPath(now);
    const home = personalFolder();
    const found = new Map<ToolOperation, Program>();
    for (const operation of ['get', 'set', 'list'] as const) {
      const [command, ...args] = settings[operation] ?? [];
      if (command === undefined) continue;
      const question = {
        command,
        args: operation === 'list' ? args : withName(args),
        searchPath,
        workingDirectory: home,
        variable: (name: string) => environment[name],
        home,
      };
      found.set(
        operation,
        await programs.examine(question).catch((error: unknown) => {
          throw notThere(error, backend, operation, searchPath);
        }),
      );
    }
    const tool = toolOf(backend, settings);
    const set = { ...proxies(now.settings.proxy), ...settings.env };
    const description: LaunchDescription = {
      argv: settings.get,
      allowArgs: false,
      files: filesOf(found),
      environment: Object.entries(set).map(([name, value]) => ({ name, value, origin: 'entry' })),
      inherited: [],
      searchPath,
      workingDirectory: home,
      origin: `backend ${backend} in ${paths.config}`,
      variables: [
        {
          reference: toolReference(backend),
          backend,
          kind,
          // All commands: `argv` is that of one.
          origin: JSON.stringify(tool),
          locator: '',
        },
      ],
    };
    const limit = [...found.values()].find((program) => program.limit !== undefined)?.limit;
    return {
      tool,
      description,
      fingerprint: fingerprint(description),
      programs: found,
      environment,
      ...(limit === undefined ? {} : { limit }),
    };
  };

  return {
    async examine(backend) {
      const { backends } = config();
      const entry = Object.hasOwn(backends, backend) ? backends[backend] : undefined;
      if (entry?.kind !== kind) return undefined;
      return look(backend, entry.settings as unknown as Settings);
    },
    permit(which) {
      permits.set(which, (permits.get(which) ?? 0) + 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (permits.get(which) ?? 1) - 1;
        if (left === 0) permits.delete(which);
        else permits.set(which, left);
      };
    },
    async admit(backend, given, operation) {
      const settings = given as Settings;
      const { programs: found, fingerprint: digest, environment } = await look(backend, settings);
      const program = found.get(operation);
      if (program === undefined || !permits.has(digest)) throw notPermitted(backend);
      const { file, release } = holdProgram(program.identities);
      return {
        file,
        release,
        argv: settings[operation] ?? [],
        workingDirectory: personalFolder(),
        environment,
      };
    },
  };
}

function toolOf(backend: string, { get, set, list }: CommandSettings): BackendTool {
  return {
    backend,
    get,
    ...(set === undefined ? {} : { set }),
    ...(list === undefined ? {} : { list }),
  };
}

/** As they run: an interpreter would take the name for a program, and that is none to approve. */
function withName(args: readonly string[]): readonly string[] {
  return args.some((word) => word.includes('{name}')) ? args : [...args, '{name}'];
}

/** Of all commands, each once: most backends have one tool. */
function filesOf(programs: ReadonlyMap<ToolOperation, Program>): LaunchDescription['files'] {
  const files = [...programs.values()].flatMap((program) => program.files);
  const keys = files.map(({ role, path }) => `${role} ${path}`);
  return files.filter((_, index) => keys.indexOf(keys[index] ?? '') === index);
}

function notThere(
  error: unknown,
  backend: string,
  operation: ToolOperation,
  searchPath: string,
): unknown {
  if (!(error instanceof BrokerError)) return error;
  const isMissing = error.code === 'ERR_COMMAND_NOT_FOUND';
  return new BrokerError(
    error.code,
    `the ${operation} command of backend ${backend}: ${error.message}`,
    {
      hint: isMissing
        ? `install it, or add its folder to settings.path in config.yaml (now ${searchPath})`
        : error.hint,
      retryable: error.retryable,
      cause: error,
    },
  );
}

function notPermitted(backend: string): BrokerError {
  return new BrokerError(
    'ERR_NOT_APPROVED',
    `the commands of backend ${backend} have just changed`,
    {
      hint: 'try again: you will be asked to approve them as they are now',
      retryable: true,
    },
  );
}
