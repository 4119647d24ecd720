import { toBrokerError, type ErrorCode, type Locator, type Provider } from '@mcp-broker/providers';
import type { Clock } from './clock.ts';
import type { BackendStep } from './protocol/backends.ts';

export interface BackendTest {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly open: () => Promise<Provider>;
  /** A variable that is known to lie there, for a store that lists nothing. */
  readonly known: Locator | undefined;
  /** Of the store's own time limit: a step may take longer than that, in milliseconds. */
  readonly ownMs?: number;
}

/** Each step may take as long. */
const leastMs = 10_000;
/** Between the end of a tool's time and ours: it is ended, and what it said is read. */
const spareMs = 5000;

/** The store answered, and it is our credential or right that is missing. */
const refusals: readonly ErrorCode[] = [
  'ERR_BACKEND_UNAUTHENTICATED',
  'ERR_BACKEND_DENIED',
  'ERR_LOCKED',
  'ERR_PASSPHRASE',
  'ERR_NOT_APPROVED',
];

type Step = BackendStep['step'];
type Done = Pick<BackendStep, 'outcome' | 'detail'>;

/** Reaches the store, authenticates, lists and reads, as far as it gets. Gives no value, and no name. */
export async function testBackend({
  clock,
  signal,
  open,
  known,
  ownMs = 0,
}: BackendTest): Promise<readonly BackendStep[]> {
  const steps: BackendStep[] = [];
  const within = async <T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const late = new AbortController();
    const cancel = clock.after(Math.max(leastMs, ownMs + spareMs), () => {
      late.abort();
    });
    try {
      return await ask(AbortSignal.any([signal, late.signal]));
    } finally {
      cancel();
    }
  };
  const timed = async (
    step: Step,
    ask: (signal: AbortSignal) => Promise<Done>,
  ): Promise<boolean> => {
    const began = clock.monotonic();
    const elapsed = (): number => Math.round(clock.monotonic() - began);
    try {
      const done = await within(ask);
      steps.push({ step, ...done, durationMs: elapsed() });
      return true;
    } catch (error) {
      const problem = toBrokerError(error).toShape();
      steps.push({ step, outcome: 'failed', durationMs: elapsed(), problem });
      return false;
    }
  };

  let provider: Provider | undefined;
  let first: Locator | undefined = known;
  const ways: readonly [Step, (signal: AbortSignal) => Promise<Done>][] = [
    [
      'reach',
      async (asked) => {
        provider = await open();
        if (provider.check === undefined) return skipped('this kind has no request for it alone');
        await provider.check({ signal: asked });
        return { outcome: 'ok' };
      },
    ],
    [
      'list',
      async (asked) => {
        const items = await provider?.list?.({ signal: asked });
        if (items === undefined) return skipped('this kind lists nothing');
        const [item] = items;
        if (provider !== undefined && item !== undefined) first ??= locatorOf(provider, item.name);
        return { outcome: 'ok', detail: items.length === 1 ? '1 item' : `${items.length} items` };
      },
    ],
    [
      'read',
      async (asked) => {
        if (provider === undefined || first === undefined) return skipped('nothing there to read');
        const secret = await provider.get(first, { signal: asked });
        secret?.wipe();
        return secret === undefined ? skipped('nothing there to read') : { outcome: 'ok' };
      },
    ],
  ];
  let goesOn = true;
  for (const [step, ask] of ways) {
    if (goesOn) goesOn = await timed(step, ask);
    else steps.push({ step, outcome: 'skipped' });
    if (step === 'reach') splitReach(steps);
  }
  return steps;
}

/** One request tells of two steps: that the store answers, and that it takes our credential. */
function splitReach(steps: BackendStep[]): void {
  const reached = steps.pop();
  if (reached === undefined) return;
  const { outcome, problem, durationMs } = reached;
  const time = durationMs === undefined ? {} : { durationMs };
  if (problem !== undefined && refusals.includes(problem.code)) {
    steps.push({ step: 'reach', outcome: 'ok', ...time }, { ...reached, step: 'authenticate' });
  } else if (outcome === 'failed') {
    steps.push(reached, { step: 'authenticate', outcome: 'skipped' });
  } else {
    steps.push(reached, { ...reached, step: 'authenticate' });
  }
}

function skipped(detail: string): Done {
  return { outcome: 'skipped', detail };
}

/** As a variable of that name is located, when it leads there: some stores need a field as well. */
function locatorOf(provider: Provider, item: string): Locator {
  const located = provider.locate(item.slice(item.lastIndexOf('/') + 1));
  return located.path === item ? located : { path: item };
}
