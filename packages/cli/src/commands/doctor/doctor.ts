import { toBrokerError } from '@mcp-broker/daemon/protocol';

import { fold } from '../../output/fold.ts';
import { escape } from '../../output/terminal.ts';
import type { Session } from '../session.ts';
import { checkBackends } from './check-backends.ts';
import { checkClients } from './check-clients.ts';
import { checkConfig } from './check-config.ts';
import { checkDaemon } from './check-daemon.ts';
import { checkHome } from './check-home.ts';
import { checkLaunches } from './check-launches.ts';
import { checkLog } from './check-log.ts';
import { checkNode } from './check-node.ts';
import { checkReferences } from './check-references.ts';
import { checkServers } from './check-servers.ts';
import { gatherFacts, type Facts } from './facts.ts';
import { keyOf, type Finding } from './finding.ts';

const checks: readonly ((facts: Facts) => readonly Finding[])[] = [
  checkNode,
  checkHome,
  checkConfig,
  checkDaemon,
  checkBackends,
  checkServers,
  checkReferences,
  checkClients,
  checkLaunches,
  checkLog,
];

export interface DoctorInput {
  readonly fix: boolean;
}

/** What was mended can lay open what it hid: a folder that was everybody's, its stale socket. */
const mostRounds = 5;

/** Prints a line for each finding. Exit status 1 when something is wrong that was not mended. */
export async function examine({ fix }: DoctorInput, session: Session): Promise<number> {
  const { output } = session;
  const mended: (Finding & { readonly done: string })[] = [];
  const tried = new Set<string>();
  let left = await look(session);
  for (let rounds = fix ? mostRounds : 0; rounds > 0; rounds -= 1) {
    const due = left.filter((one) => one.mend !== undefined && !tried.has(keyOf(one)));
    if (due.length === 0) break;
    const done: typeof mended = [];
    for (const one of due) {
      tried.add(keyOf(one));
      try {
        done.push({ ...one, done: (await one.mend?.(session)) ?? '' });
      } catch (error) {
        const { message, hint } = toBrokerError(error);
        output.warn(
          `${one.subject} was not mended: ${message}${hint === undefined ? '' : ` (${hint})`}`,
        );
      }
    }
    left = await look(session);
    // By a second look, not by our word for it.
    mended.push(...done.filter((one) => !left.some((other) => keyOf(other) === keyOf(one))));
  }
  report({ mended, left }, session);
  return left.some(({ severity }) => severity === 'wrong') ? 1 : 0;
}

async function look(session: Session): Promise<readonly Finding[]> {
  const finish = session.output.progress('looking at the home, its daemon and your clients');
  try {
    const facts = await gatherFacts(session);
    const found = checks.flatMap((check) => check(facts));
    return [
      ...found.filter(({ severity }) => severity === 'wrong'),
      ...found.filter(({ severity }) => severity === 'advice'),
    ];
  } finally {
    finish();
  }
}

interface Report {
  readonly mended: readonly (Finding & { readonly done: string })[];
  readonly left: readonly Finding[];
}

function report({ mended, left }: Report, { output }: Session): void {
  const wrong = left.filter(({ severity }) => severity === 'wrong').length;
  const lines = [
    ...mended.map(
      ({ done, subject, cause }) => ['mended', `${subject}: ${cause} (${done})`] as const,
    ),
    ...left.map(
      ({ severity, subject, cause, remedy }) =>
        [severity, `${subject}: ${cause} (${output.typed(remedy)})`] as const,
    ),
  ].flatMap(([word, text]) => rowsOf(word, text, output));
  output.result(lines.map((line) => `${line}\n`).join(''), {
    ok: wrong === 0,
    findings: [
      ...mended.map((one) => shape(one, true, output)),
      ...left.map((one) => shape(one, false, output)),
    ],
  });
  output.note(summary(wrong, left, mended.length));
}

/** One line; on a terminal in rows, none of which but the first can begin as a finding does: a project names its servers. */
function rowsOf(word: keyof typeof styles, text: string, output: Session['output']): string[] {
  const line = { head: `${word.padEnd(6)}  `, text: escape(text) };
  const { columns } = output;
  const [first = '', ...more] =
    columns === undefined ? [`${line.head}${line.text}`] : fold(line, columns);
  return [`${output.style(styles[word], word)}${first.slice(word.length)}`, ...more];
}

const styles = { wrong: 'red', advice: 'yellow', mended: 'green' } as const;

function shape(
  { id, severity, subject, cause, remedy, mend }: Finding,
  fixed: boolean,
  output: Session['output'],
): Readonly<Record<string, unknown>> {
  return {
    id,
    severity,
    subject,
    cause,
    remedy: output.typed(remedy),
    fixable: mend !== undefined,
    fixed,
  };
}

function summary(wrong: number, left: readonly Finding[], mended: number): string {
  const advice = left.length - wrong;
  const found =
    wrong + advice === 0
      ? 'nothing is wrong'
      : [
          wrong === 0
            ? 'nothing is wrong'
            : `${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong`,
          ...(advice === 0 ? [] : [`${advice} ${advice === 1 ? 'piece' : 'pieces'} of advice`]),
        ].join(', ');
  const fixable = left.filter(({ mend }) => mend !== undefined).length;
  const more = fixable === 0 || mended > 0 ? '' : `; ${fixable} can be mended: mcp doctor --fix`;
  return `${found}${mended === 0 ? '' : `, ${mended} mended`}${more}`;
}
