import type { BackendMethods, BackendStep } from '@mcp-broker/daemon/protocol';

import type { Style } from '../output/print.ts';
import { table } from '../output/table.ts';
import { using, type Session } from './session.ts';

/** Prints which backends there are, without asking a remote one. */
export async function listBackends(session: Session): Promise<number> {
  const { output } = session;
  const { backends } = await using(
    await session.connect(),
    async (client) => (await client.call('backend.list', {})).result,
  );
  output.result(
    table(
      ['BACKEND', 'KIND', 'STATE', 'DEFAULT', 'VARIABLES', 'WHERE'],
      backends.map(({ name, kind, state, isDefault, variables, where }) => [
        name,
        kind,
        state,
        isDefault ? 'yes' : undefined,
        String(variables),
        where,
      ]),
      output.columns,
    ),
    backends,
  );
  return 0;
}

type Tested = BackendMethods['backend.test']['result'];

/** Tests one backend, or each that something leads to in turn; exit 1 when a step of one fails. */
export async function testBackends(
  input: { readonly name: string | undefined },
  session: Session,
): Promise<number> {
  const { output } = session;
  const results = await using(await session.connect(), async (client) => {
    const names =
      input.name === undefined
        ? (await client.call('backend.list', {})).result.backends
            .filter(({ state }) => state !== 'unused')
            .map(({ name }) => name)
        : [input.name];
    const tested: Tested[] = [];
    for (const name of names) {
      const finish = output.progress(`testing ${name}`);
      try {
        tested.push((await client.call('backend.test', { name })).result);
      } finally {
        finish();
      }
    }
    return tested;
  });
  const rows = results.flatMap(({ name, steps }) =>
    steps.map((step) => [name, step.step, step.outcome, time(step), said(step)]),
  );
  const text = table(['BACKEND', 'STEP', 'OUTCOME', 'TIME', 'DETAIL'], rows, output.columns);
  output.result(colourOutcomes(text, session), results);
  for (const { name, steps } of results) {
    for (const { problem } of steps) {
      if (problem === undefined) continue;
      const { message, hint } = problem;
      output.warn(hint === undefined ? `${name}: ${message}` : `${name}: ${message} (${hint})`);
    }
  }
  return results.some(({ steps }) => steps.some(({ outcome }) => outcome === 'failed')) ? 1 : 0;
}

function time({ durationMs }: BackendStep): string | undefined {
  return durationMs === undefined ? undefined : `${durationMs} ms`;
}

function said({ detail, problem }: BackendStep): string | undefined {
  return problem?.code ?? detail;
}

const styles: Readonly<Record<string, Style>> = { ok: 'green', failed: 'red', skipped: 'dim' };

/** After the padding, so that columns stay in line; the first of them on a line is the outcome. */
function colourOutcomes(text: string, { output }: Session): string {
  const outcome =
    /^(\S+ +(?:reach|authenticate|list|read) +|OUTCOME {2})(ok|failed|skipped)(?= |$)/gmu;
  return text.replace(outcome, (_whole, before: string, word: string) => {
    return `${before}${output.style(styles[word] ?? 'bold', word)}`;
  });
}
