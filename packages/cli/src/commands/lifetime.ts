import { BrokerError, parseDuration, type Lifetime } from '@mcp-broker/daemon/protocol';

import { duration } from '../output/duration.ts';
import { escape } from '../output/terminal.ts';

/** The longest that is taken for a duration, and not for a slip: ten years. */
const mostMs = 3650 * 24 * 60 * 60 * 1000;

/** `--for`, as typed. Throws `ERR_USAGE`. */
export function parseLifetime(text: string): Lifetime {
  if (text === 'once' || text === 'session' || text === 'always') return text;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000 && ms <= mostMs) return ms;
  throw new BrokerError(
    'ERR_USAGE',
    '--for takes once, session, always, or a time such as 8h or 30d',
    {
      hint: ms === undefined ? 'for instance: --for 8h' : 'from 1s to 3650d, or --for always',
    },
  );
}

export interface Limit {
  readonly ms: number;
  readonly reason: string;
}

/** Throws `ERR_USAGE` for a lifetime that this request cannot have. */
export function requireWithin(
  lifetime: Lifetime | undefined,
  { id, limit }: { readonly id: string; readonly limit?: Limit },
): void {
  if (limit === undefined) return;
  if (lifetime !== 'always' && !(typeof lifetime === 'number' && lifetime > limit.ms)) return;
  const most = duration(limit.ms);
  throw new BrokerError(
    'ERR_USAGE',
    `request ${id} can be granted for ${most} at most: ${limit.reason}`,
    { hint: `mcp approve ${id} --for ${most}` },
  );
}

/** How long it is going to count, and why, for the person who decides. */
export function lifetimeText(lifetime: Lifetime | undefined, limit: Limit | undefined): string {
  const most = limit === undefined ? undefined : `${duration(limit.ms)} at most`;
  const why = limit === undefined ? '' : `: ${escape(limit.reason)}`;
  switch (lifetime) {
    case undefined:
      return most === undefined
        ? 'always, since it is bound to the content of what runs'
        : `${duration(limit?.ms ?? 0)}, and no longer${why}`;
    case 'once':
      return 'once: for the next launch, within 10 minutes';
    case 'session':
      return `until lock or stop${most === undefined ? '' : `, ${most}${why}`}`;
    case 'always':
      return 'always, until it is revoked';
    default:
      return duration(lifetime);
  }
}
