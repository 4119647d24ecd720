import { startPty, type Pty } from './pty.ts';

/** One thing that a reader of a tutorial does, in the order of the page. */
export type Step =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'command'; readonly line: string; readonly screen: readonly string[] };

/** What is typed at a prompt stands between these; what is left out is one `…`. */
const typed = /«([^»]*)»/u;

/** The blocks of a page: `json` is what the client's file holds from here on, `console` a screen. */
export function readTutorial(page: string): readonly Step[] {
  return [...page.matchAll(/^```(json|console)\n(.*?)^```$/gmsu)].flatMap(
    ([, kind, block = '']): Step[] =>
      kind === 'json' ? [{ kind: 'file', text: block }] : readScreen(block),
  );
}

function readScreen(block: string): Step[] {
  const commands = block.split(/^\$ /mu).slice(1);
  return commands.map((text) => {
    const [line = '', ...screen] = text.trimEnd().split('\n');
    return { kind: 'command', line, screen };
  });
}

export interface Player {
  /** Types the command and what it asks for, and waits for its prompt. Rejects when the screen is another one. */
  play(line: string, screen: readonly string[]): Promise<void>;
  end(): Promise<number>;
}

/** A shell on a terminal. */
export async function startPlayer(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}): Promise<Player> {
  const shell = startPty('bash', ['--norc', '--noprofile', '--noediting'], {
    cwd: options.cwd,
    env: { ...options.env, HISTFILE: '', PS1: 'ready> ', TERM: 'xterm' },
  });
  await shell.see(/ready> $/u);
  return {
    async play(line, screen) {
      shell.type(`${line}\n`);
      // The terminal repeats what is typed, and may break it where the window ends.
      await shell.see(/\n/u);
      await follow(shell, screen);
      await shell.see(/ready> $/u);
      shell.type('echo "exit $?"\n');
      await shell.see(/^exit \d+\nready> $/mu);
    },
    async end() {
      shell.type('exit 0\n');
      return (await shell.ended).code;
    },
  };
}

/** Codes are others each time: by what stands on the page, what stands on the screen. */
async function follow(shell: Pty, screen: readonly string[]): Promise<void> {
  const codes = new Map<string, string>();
  for (const line of screen) {
    const [before = '', answer] = line.split(typed);
    const code = /^code: (\w+)$/u.exec(before)?.[1];
    const [, shown] = await shell.see(code === undefined ? pattern(before) : /^code: (\w+)$/mu);
    if (code !== undefined) codes.set(code, shown ?? '');
    if (answer !== undefined) shell.type(`${codes.get(answer) ?? answer}\n`);
  }
}

function pattern(line: string): RegExp {
  return new RegExp(line.trim().split('…').map(escaped).join('[^\\n]*'), 'u');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/gu, String.raw`\$&`);
}
