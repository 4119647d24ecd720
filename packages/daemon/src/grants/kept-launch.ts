import { hash } from 'node:crypto';
import type { EnvironmentEntry, LaunchDescription } from '../protocol/approvals.ts';
import { formatReference, parseTemplate } from '../reference.ts';
import { isCodeLoading } from '../steering-names.ts';

/**
 * A launch as it is remembered, on the disk too: what an environment says in so many words may be a
 * secret that somebody has not moved yet, and stands there by its digest. Two launches that are kept
 * alike say the same.
 */
export function keptLaunch(launch: LaunchDescription): LaunchDescription {
  return {
    ...launch,
    environment: launch.environment.map((entry) => ({ ...entry, value: keptText(entry) })),
    inherited: launch.inherited.map(({ name, digest }) => ({ name, digest })),
  };
}

/**
 * A launch as it is listed, for whoever may read a list or a log: what an environment says in so many
 * words stands there by its digest too, but for what says what is loaded and where from.
 */
export function listedLaunch(launch: LaunchDescription): LaunchDescription {
  return {
    ...launch,
    environment: launch.environment.map((entry) => {
      const isShown = isCodeLoading(entry.name) || entry.name === 'PATH';
      return isShown ? entry : { ...entry, value: keptText(entry) };
    }),
  };
}

/** References as they are, between the digests of what stands around them. */
function keptText({ value, origin }: EnvironmentEntry): string {
  const template = parseTemplate(value, origin === 'entry' ? 'both' : 'inherited');
  return template
    .map((part) => {
      if (typeof part === 'string') return digestOf(part);
      const fallback = part.kind === 'variable' ? part.fallback : undefined;
      const reference = formatReference(part);
      return fallback === undefined ? reference : `${reference} or ${digestOf(fallback)}`;
    })
    .join(' ');
}

function digestOf(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}
