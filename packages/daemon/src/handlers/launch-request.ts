import type { Broker } from '../broker.ts';
import { steeringNames, type LaunchPlan } from '../launch.ts';
import type { Context } from '../listener/handler.ts';
import type { Peer } from '../listener/peer.ts';
import type { Platform } from '../platform/platform.ts';
import { backendOrigin } from '../policy/backend-identity.ts';
import type { VariableFacts } from '../policy/decide.ts';
import { changes } from '../grants/diff.ts';
import { fingerprint } from '../policy/fingerprint.ts';
import type { Launching } from '../grants/grants.ts';
import { keptLaunch } from '../grants/kept-launch.ts';
import { accountHome } from '../policy/inherited.ts';
import type { Program } from '../program/interpreter.ts';
import { searching } from '../program/search-path.ts';
import type {
  LaunchDescription,
  LaunchVariable,
  PendingApproval,
  RequestedTool,
  RequestedVariable,
} from '../protocol/approvals.ts';
import { formatReference } from '../reference.ts';
import { formatLocator, nameSubject, type Plan } from '../resolver.ts';
import { noFolder, type Order } from './order.ts';

/** What is known of a launch before anybody is asked; of its peer, what the kernel says. */
export interface Examined {
  readonly program: Program;
  /** The PATH that it was found by. */
  readonly searchPath: string | null;
  readonly description: LaunchDescription;
  readonly launching: Launching;
}

/** What each reference leads to, and what is known of it without asking a remote store. */
export async function gather(
  broker: Broker,
  plan: LaunchPlan,
): Promise<{ variables: Plan[]; facts: Omit<VariableFacts, 'granted'>[] }> {
  const variables: Plan[] = [];
  const facts = await Promise.all(
    [...plan.references.values()].map(async ({ reference }) => {
      const hasFallback = reference.kind === 'variable' && reference.fallback !== undefined;
      const subject = reference.kind === 'variable' ? reference.name : formatReference(reference);
      try {
        const variable = await broker.resolver.plan(reference);
        variables.push(variable);
        const state = await broker.resolver.state(variable);
        return { subject, state, hasFallback, backend: variable.backend };
      } catch (error) {
        const failure = nameSubject(error, subject);
        return { subject, state: 'unknown' as const, failure, hasFallback, backend: '' };
      }
    }),
  );
  return { variables, facts };
}

/** Finds out for itself what would run, and where. */
export async function examine(
  broker: Broker,
  order: Order,
  variables: readonly Plan[],
  context: Context,
): Promise<Examined> {
  const { config, platform } = broker;
  const { peer } = context;
  const folder = workingDirectoryOf(platform, peer);
  const home = accountHome();
  const { result: program, searchPath } = await searching(
    order.path,
    config.settings.path,
    (path) =>
      broker.programs.examine({
        command: order.command,
        args: order.args,
        searchPath: path,
        get workingDirectory() {
          return order.cwd ?? folder();
        },
        variable: variableOf(order),
        home,
      }),
  );
  const description = describe(broker, order, program, searchPath, folder, variables);
  const digest = fingerprint(description);
  const launching = new ExaminedLaunch(digest, folder, platform, peer);
  return { program, searchPath, description, launching };
}

/** Asked for once, and by few: most programs and grants are the same wherever they run. */
function workingDirectoryOf(platform: Platform, { pid }: Peer): () => string {
  let known: string | undefined;
  return () => {
    known ??= platform.workingDirectory(pid);
    if (known === undefined) throw noFolder();
    return known;
  };
}

/** Its folder and its parent are asked for by few, who need them at once. */
export class ExaminedLaunch implements Launching {
  readonly fingerprint: string;
  readonly #folder: () => string;
  readonly #platform: Platform;
  readonly #pid: number;
  #parent: { readonly is: Launching['parent'] } | undefined;

  constructor(digest: string, folder: () => string, platform: Platform, { pid }: Peer) {
    this.fingerprint = digest;
    this.#folder = folder;
    this.#platform = platform;
    this.#pid = pid;
  }

  get workingDirectory(): string {
    return this.#folder();
  }

  get parent(): Launching['parent'] {
    this.#parent ??= { is: parentOf(this.#platform, this.#pid) };
    return this.#parent.is;
  }
}

function parentOf(platform: Platform, pid: number): Launching['parent'] {
  const parent = platform.process(pid)?.parent;
  const startTime = parent === undefined ? undefined : platform.startTime(parent);
  return parent === undefined || startTime === undefined ? undefined : { pid: parent, startTime };
}

/** What the server's own start would look at, as far as it is known here: values are never asked for. */
function variableOf({ environment, inherited }: Order): (name: string) => string | undefined {
  return (name) =>
    environment.find((entry) => entry.name === name)?.value ??
    inherited.find((variable) => variable.name === name)?.value;
}

function describe(
  broker: Broker,
  order: Order,
  program: Program,
  searchPath: string | null,
  folder: () => string,
  variables: readonly Plan[],
): LaunchDescription {
  const runsIn = order.cwd ?? (program.needsFolder ? folder() : undefined);
  return {
    argv: [order.command, ...order.args],
    allowArgs: order.allowArgs,
    files: program.files,
    ...(program.package === undefined ? {} : { package: program.package }),
    environment: order.environment,
    inherited: order.inherited,
    ...(program.needsPath && searchPath !== null ? { searchPath } : {}),
    ...(runsIn === undefined ? {} : { workingDirectory: runsIn }),
    origin: order.origin,
    variables: variables.map((variable) => whereabouts(broker, variable)),
  };
}

function whereabouts({ config, paths }: Broker, plan: Plan): LaunchVariable {
  const { text, kind, backend } = plan;
  const settings = config.backends[backend]?.settings;
  return {
    reference: text,
    backend,
    kind,
    origin: backendOrigin(kind, settings, { secretsFile: paths.secrets, home: paths.home }),
    locator: formatLocator(plan.locator),
  };
}

/** The request for a person: what is not granted yet, and how it differs from what was. */
export function pendingRequest(
  broker: Broker,
  { server }: Order,
  { description, program, launching }: Examined,
  plan: LaunchPlan,
  variables: readonly Plan[],
  granted: ReadonlySet<string>,
  tools: readonly RequestedTool[],
  pid: number,
): Omit<PendingApproval, 'id' | 'requested' | 'expires'> {
  const claim = server === undefined ? {} : { server };
  const before = broker.grants.similar({
    launch: description,
    fingerprint: launching.fingerprint,
    ...claim,
  });
  const differences = before === undefined ? [] : changes(before, keptLaunch(description));
  return {
    ...claim,
    launch: description,
    workingDirectory: launching.workingDirectory,
    fingerprint: launching.fingerprint,
    variables: variables
      .filter(({ text }) => !granted.has(text))
      .map((variable): RequestedVariable => {
        const into = plan.references.get(variable.text)?.into ?? [];
        const steers = steeringNames(into);
        return { ...whereabouts(broker, variable), name: variable.subject, into, steers };
      }),
    granted: variables.filter(({ text }) => granted.has(text)).map(({ subject }) => subject),
    ...(tools.length === 0 ? {} : { tools }),
    ...(program.limit === undefined ? {} : { limit: program.limit }),
    ...(differences.length === 0 ? {} : { changes: differences }),
    pid,
  };
}
