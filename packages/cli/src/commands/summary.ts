import { isThere } from './home.ts';
import { using, type Session } from './session.ts';

const setUp = ['mcp init', 'set up a home, once'] as const;
const always = [
  ['mcp secret set API_TOKEN', 'keep a token; its value is asked for'],
  ["mcp exec --env API_TOKEN='$<API_TOKEN>' -- COMMAND", 'start a server with it'],
] as const;
const approve = ['mcp approve', 'allow that launch, once you have seen it'] as const;

/** What `mcp` alone says: what to do next in a home as it is now. */
export async function showSummary(session: Session): Promise<number> {
  const { output } = session;
  const steps = await nextSteps(session);
  const widest = Math.max(...steps.map(([command]) => command.length));
  const lines = [
    'MCP Broker starts servers with secrets that no file holds. Next:',
    ...steps.map(([command, why]) => `  ${output.typed(command.padEnd(widest))}     ${why}`),
    'See mcp --help for all commands, and mcp status for how things are.',
  ];
  output.result(`${lines.join('\n')}\n`, { next: steps.map(([command]) => command) });
  return 0;
}

type Steps = readonly (readonly [command: string, why: string])[];

async function nextSteps(session: Session): Promise<Steps> {
  const { paths } = session;
  // Also of a folder that an earlier tool left: `init` makes a home of it.
  if (!isThere(paths.secrets)) return [setUp, ...always, approve];
  try {
    const client = await session.reach();
    const unlock = ['mcp unlock', 'open the sealed file, which is locked'] as const;
    if (client === undefined) {
      return [...(isThere(paths.identity) ? [unlock] : []), ...always, approve];
    }
    const { backends, pending } = await using(
      client,
      async (reached) => (await reached.call('broker.status', {})).result,
    );
    const waits = `look at what waits for you: ${pending} ${pending === 1 ? 'launch' : 'launches'}`;
    return [
      ...(backends.some(({ state }) => state === 'locked') ? [unlock] : []),
      ...(pending > 0 ? [['mcp approve', waits] as const] : []),
      ...always,
      ...(pending > 0 ? [] : [approve]),
    ];
  } catch {
    // What is wrong with it, the next command says.
    return [...always, approve];
  }
}
