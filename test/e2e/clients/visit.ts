import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { Launch, RealClient, Seen } from '../../kit/clients/client.ts';
import { mcpCommand, type Home } from '../../kit/home.ts';
import { processesWith, type Shown } from '../../kit/processes.ts';
import type { Place } from './place.ts';
import { searchPath, type RealServer } from './real-servers.ts';

/** In the environment of each process of a visit, and of no other. */
const marker = 'MCP_TEST_VISIT';
/** Ours; and those that the shell of the launcher sets, whatever it was given. */
const ofShell = ['PWD', 'OLDPWD', 'SHLVL', 'OPTIND', '_'];
const apart: ReadonlySet<string> = new Set([marker, 'MCP_LAUNCH', ...ofShell]);
const visits = new Set<string>();
const patience = { timeout: 20_000, interval: 50 };

export interface Surroundings {
  readonly home: Home;
  readonly place: Place;
  /** Of the variable TOKEN. */
  readonly value: string;
}

/** What is to be the same with and without us. */
export interface Visited {
  readonly seen: unknown;
  /**
   * The server and all that starts it: arguments and environment. None from a client that does not stop while
   * it runs; each once, since a client that probes has a second one for a while.
   */
  readonly processes: readonly string[];
}

interface Ours extends Visited {
  readonly answers: readonly string[];
  /** What runs beside the server, whole. */
  readonly wrappers: readonly Shown[];
}

interface Ended {
  readonly exit: number | undefined;
  /** From when the client closed until the last process was gone. */
  readonly goneAfterMs: number;
}

/** The launch of a server by `mcp exec`. */
export function launchOf({ command, env }: RealServer, { home, place }: Surroundings): Launch {
  return {
    command: mcpCommand,
    args: ['exec', '--env', 'TOKEN=$<TOKEN>', '--', ...command],
    env: { ...home.env, PATH: searchPath(home.env['PATH'] ?? ''), ...env?.() },
    cwd: place.folder,
  };
}

/** The same client and server twice: once as everybody else, and once by `mcp exec`, approved before. */
export async function visitTwice(
  client: RealClient,
  server: RealServer,
  surroundings: Surroundings,
): Promise<{ plain: Visited & Ended; ours: Ours & Ended }> {
  const wrapped = launchOf(server, surroundings);
  const [command, ...args] = server.command;
  const given = { ...wrapped, command, args, env: { ...wrapped.env, TOKEN: surroundings.value } };
  const { shown, ...plain } = await visit(client, server, given, {
    isComplete: () => true,
    answered: (id) => void endWhatIsLeft(id),
  });
  const processes = kinds(shown);
  const isComplete = (all: readonly Shown[]): boolean =>
    isDeepStrictEqual(kinds(all.filter(isLaunched)), processes);
  const { shown: all, ...ours } = await visit(client, server, wrapped, {
    isComplete,
    answered: () => undefined,
  });
  return {
    plain: { ...plain, seen: comparable(plain.seen), processes },
    ours: {
      ...ours,
      seen: comparable(ours.seen),
      processes: kinds(all.filter(isLaunched)),
      answers: ours.seen.answers.map((answer) => JSON.stringify(answer)),
      wrappers: all.filter((each) => !isLaunched(each)),
    },
  };
}

interface Hooks {
  /** The processes are those that are waited for. */
  isComplete(processes: readonly Shown[]): boolean;
  answered(id: string): void;
}

async function visit(
  client: RealClient,
  { calls }: RealServer,
  launch: Launch,
  { isComplete, answered }: Hooks,
): Promise<Ended & { seen: Omit<Seen, 'exit'>; shown: readonly Shown[] }> {
  const id = randomBytes(8).toString('hex');
  visits.add(id);
  let shown: readonly Shown[] = [];
  let closed = performance.now();
  const { exit, ...seen } = await client({
    launch: { ...launch, env: { ...launch.env, [marker]: id } },
    calls,
    async whileRunning() {
      const look = (): boolean => isComplete((shown = processesWith(marker, id)));
      // Whoever compares them says what is wrong.
      await expect
        .poll(look, patience)
        .toBe(true)
        .catch(() => undefined);
      expect(shown).not.toEqual([]);
      closed = performance.now();
    },
    answered() {
      answered(id);
      closed = performance.now();
    },
  });
  await expect.poll(() => processesWith(marker, id), patience).toEqual([]);
  return { seen, shown, exit, goneAfterMs: performance.now() - closed };
}

/**
 * The Inspector waits for the whole tree, and ends its first process alone: without us it would wait for
 * ever for what a shell has left behind.
 */
async function endWhatIsLeft(id: string): Promise<void> {
  const before = processesWith(marker, id).length;
  await expect
    .poll(() => processesWith(marker, id).length < before, patience)
    .toBe(true)
    .catch(() => undefined);
  endVisit(id);
}

/** Ends what tests that have failed left. */
export function endVisits(): void {
  for (const id of visits) endVisit(id);
}

function endVisit(id: string): void {
  for (const { pid } of processesWith(marker, id)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function isLaunched({ environment }: Shown): boolean {
  return 'MCP_LAUNCH' in environment;
}

function kinds(processes: readonly Shown[]): string[] {
  const texts = processes.map(({ argv, environment }) =>
    JSON.stringify([argv, ...Object.entries(withoutApart(environment)).flat()]),
  );
  return [...new Set(texts)].toSorted();
}

/** An environment within an answer is compared as the others are. */
function comparable(seen: unknown): unknown {
  return JSON.parse(JSON.stringify(seen), (_name, value: unknown) =>
    typeof value === 'string' && value.includes(marker)
      ? withoutApart(JSON.parse(value) as Record<string, string>)
      : value,
  );
}

function withoutApart(environment: Readonly<Record<string, string>>): Record<string, string> {
  const names = Object.keys(environment).filter((name) => !apart.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, environment[name] ?? '']));
}
