import { escape } from '../output/terminal.ts';
import { clientSnippet, commandPath } from './client-snippet.ts';
import type { Choice } from './init-backend.ts';
import type { Tried } from './init-keychain.ts';
import type { Session } from './session.ts';

export interface SetUp extends Pick<Choice, 'backend' | 'why'>, Tried {
  readonly narrowed: readonly string[];
}

const steps = [
  ['mcp secret set API_TOKEN', 'keep a token; its value is asked for'],
  ['mcp approve', 'after the first launch, which is refused until you have seen it'],
  ['mcp status', 'what the daemon holds'],
] as const;

const unlocked = {
  keychain: 'the home is unlocked, until `mcp lock`, and whenever the keychain is',
  sealed: 'the sealed file is unlocked, until `mcp lock` or until it lies idle',
} as const;

const names = { keychain: 'the keychain of this system', sealed: 'the sealed file' } as const;

/** What was made, where secrets go and why, and what to do next. */
export function reportSetUp(session: Session, setUp: SetUp): void {
  const { paths, output } = session;
  const { backend, why, created = [], narrowed, hasNewKey = false } = setUp;
  const about = { home: paths.home, config: paths.config };
  if (created.length === 0) {
    const changes = [
      ...(hasNewKey
        ? [
            'its key was gone from the keychain, and it has a new one: approvals are asked for again',
          ]
        : []),
      narrowed.length === 0 && !hasNewKey ? 'nothing changed' : 'nothing else changed',
    ];
    const changed = narrowed.length > 0 || hasNewKey;
    const line = `${paths.home} is set up already: ${changes.join('; ')}`;
    output.done(line, { changed, ...about, created, narrowed });
    return;
  }
  const command = commandPath(process.argv[1], session.environment);
  const lines = [
    ...created.map((path) => `made ${escape(path)}`),
    `secrets go to ${names[backend]}: ${escape(why)}`,
    unlocked[backend],
    '',
    'For an MCP client (its configuration; every server in the same way):',
    '',
    clientSnippet(session, command),
    '',
    'Next:',
    ...steps.map(([step, what]) => `  ${output.typed(step).padEnd(27)}  ${what}`),
  ];
  output.result(`${lines.join('\n')}\n`, {
    changed: true,
    ...about,
    backend,
    why,
    created,
    narrowed,
    command,
  });
}
