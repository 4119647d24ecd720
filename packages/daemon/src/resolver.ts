import { isUtf8 } from 'node:buffer';
import {
  isSupported,
  BrokerError,
  toBrokerError,
  type Item,
  type Locator,
  type Provider,
  type Secret,
} from '@mcp-broker/providers';
import type { Cache, Cached } from './cache.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/index.ts';
import type { Reference } from './reference.ts';
import { formatReference } from './reference.ts';
import { sharedPerTurn } from './turn.ts';

/** Where a reference leads: the backend and the place in it, known without asking the store. */
export interface Plan {
  readonly reference: Reference;
  /** Canonical text. */
  readonly text: string;
  /** The variable's name, or the canonical text of a reference with a locator. */
  readonly subject: string;
  readonly backend: string;
  readonly kind: string;
  readonly locator: Locator;
  readonly ttlMs: number;
}

export interface Resolver {
  /** Throws `ERR_NOT_FOUND` for a backend that the config does not have. */
  plan(reference: Reference): Promise<Plan>;
  /** Asks the cache and stores on this machine; `unasked` for a remote one. Throws as the store does. */
  state(plan: Plan): Promise<'known' | 'unknown' | 'unasked'>;
  /**
   * The one path that a value takes: cache, else backend. The value is lent to `action` for the time of
   * its call. Undefined: the store has no such secret.
   */
  read<T>(plan: Plan, action: (cached: Cached) => T): Promise<T | undefined>;
  provider(backend: string): Promise<Provider>;
  /** False when there was nothing in the cache. */
  forget(plan: Plan): boolean;
  /** How long ago the cached value was read; undefined when there is none. */
  cachedMs(plan: Plan): number | undefined;
  /** Closes the providers; those of a changed config open anew. */
  reset(): Promise<void>;
}

const deadlineMs = 30_000;
/** Between the end of a tool's time and ours: it is ended, and what it said is read. */
const spareMs = 5000;

export interface ResolverOptions {
  readonly clock: Clock;
  readonly config: () => Config;
  readonly cache: Cache;
  readonly open: (kind: string, settings: unknown, backend: string) => Promise<Provider>;
}

export function createResolver({ config, cache, clock, open }: ResolverOptions): Resolver {
  const providers = new Map<string, Promise<Provider>>();

  const provider = (backend: string): Promise<Provider> => {
    const existing = providers.get(backend);
    if (existing !== undefined) return existing;
    const { kind, settings } = backendOf(config(), backend);
    const opening = open(kind, settings, backend);
    providers.set(backend, opening);
    // A provider that could not be opened is tried again the next time.
    opening.catch(() => providers.delete(backend));
    return opening;
  };

  /** Several callers may wait for one answer of a store: none of them can call it off for the others. */
  const within = async <T>(
    ask: (signal: AbortSignal) => Promise<T>,
    ms: number = deadlineMs,
  ): Promise<T> => {
    const deadline = new AbortController();
    const cancel = clock.after(ms, () => {
      deadline.abort();
    });
    try {
      return await ask(deadline.signal);
    } finally {
      cancel();
    }
  };

  /**
   * The names in a store on this machine, or undefined where nothing may be asked. Many references, and
   * launches at once, read them once.
   */
  const namesOf = sharedPerTurn(async (backend) => {
    const { local, list } = await provider(backend);
    if (!local || list === undefined) return undefined;
    return within(async (signal) => namesIn(await list({ signal })));
  });

  return {
    provider,
    async plan(reference) {
      const text = formatReference(reference);
      const { settings, variables } = config();
      if (reference.kind === 'locator') {
        const { backend, path, field, version } = reference;
        const locator = {
          path,
          ...(field === undefined ? {} : { field }),
          ...(version === undefined ? {} : { version }),
        };
        const { kind, ttlMs = settings.ttlMs } = backendOf(config(), backend);
        return { reference, text, subject: text, backend, kind, locator, ttlMs };
      }
      const entry = Object.hasOwn(variables, reference.name)
        ? variables[reference.name]
        : undefined;
      const backend = entry?.backend ?? settings.defaultBackend;
      const { kind, ttlMs = settings.ttlMs } = backendOf(config(), backend);
      const implied =
        entry?.path === undefined
          ? (await provider(backend)).locate(reference.name)
          : { path: entry.path };
      const locator = {
        ...implied,
        ...(entry?.field === undefined ? {} : { field: entry.field }),
        ...(entry?.version === undefined ? {} : { version: entry.version }),
      };
      return {
        reference,
        text,
        subject: reference.name,
        backend,
        kind,
        locator,
        ttlMs: entry?.ttlMs ?? ttlMs,
      };
    },
    async state(plan) {
      if (cache.peek(cacheKey(plan)) !== undefined) return 'known';
      const names = await namesOf(plan.backend);
      if (names === undefined) return 'unasked';
      return names.has(plan.locator.path) ? 'known' : 'unknown';
    },
    read(plan, action) {
      const load = (): Promise<Secret | undefined> =>
        within(
          async (signal) => (await provider(plan.backend)).get(plan.locator, { signal }),
          deadlineOf(config(), plan.backend),
        );
      return cache.get(cacheKey(plan), plan.ttlMs, load, action);
    },
    forget: (plan) => cache.drop(cacheKey(plan)),
    cachedMs: (plan) => cache.peek(cacheKey(plan))?.ageMs,
    async reset() {
      const opened = [...providers.values()];
      providers.clear();
      cache.clear();
      await Promise.allSettled(opened.map(async (opening) => (await opening).close?.()));
    },
  };
}

/** A store whose items are the same as before may give the same list of them. */
const knownNames = new WeakMap<readonly Item[], ReadonlySet<string>>();

function namesIn(items: readonly Item[]): ReadonlySet<string> {
  const known = knownNames.get(items);
  if (known !== undefined) return known;
  const names = new Set(items.map(({ name }) => name));
  knownNames.set(items, names);
  return names;
}

/** A backend that may take longer by its own time limit is told apart from one that hangs. */
function deadlineOf(config: Config, backend: string): number {
  const { timeoutMs } = backendOf(config, backend).settings;
  return typeof timeoutMs === 'number' ? Math.max(deadlineMs, timeoutMs + spareMs) : deadlineMs;
}

function backendOf(config: Config, backend: string): Config['backends'][string] {
  const found = Object.hasOwn(config.backends, backend) ? config.backends[backend] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(config.backends).filter((name) =>
    isSupported(config.backends[name]?.kind ?? ''),
  );
  throw new BrokerError('ERR_NOT_FOUND', `backend ${backend} does not exist`, {
    hint: `known backends: ${known.join(', ')}`,
    subject: backend,
  });
}

export function formatLocator(locator: Locator): string {
  const field = locator.field === undefined ? '' : `#${locator.field}`;
  return `${locator.path}${field}${locator.version === undefined ? '' : `@${locator.version}`}`;
}

function cacheKey(plan: Plan): string {
  return `${plan.backend}:${formatLocator(plan.locator)}`;
}

/** Throws `ERR_VALUE` when the bytes cannot stand in an environment. */
export function checkEnvironmentValue(bytes: Uint8Array, subject: string): void {
  const problem = bytes.includes(0)
    ? 'holds a NUL byte'
    : isUtf8(bytes)
      ? undefined
      : 'is not UTF-8 text';
  if (problem === undefined) return;
  throw new BrokerError(
    'ERR_VALUE',
    `the value of ${subject} ${problem} and cannot stand in an environment`,
    {
      hint: `store it in a text form: base64 FILE | mcp secret set ${subject} --stdin`,
      subject,
    },
  );
}

/** The error of one variable names it, whatever its provider said. */
export function nameSubject(error: unknown, subject: string): BrokerError {
  const known = toBrokerError(error);
  if (known.subject === subject) return known;
  return new BrokerError(known.code, `${subject}: ${known.message}`, {
    hint: known.hint,
    retryable: known.retryable,
    subject,
    cause: known,
  });
}
