import { basename, join } from 'node:path';

import { duration } from '../../output/duration.ts';
import { word } from '../../output/hint.ts';
import type { Facts } from './facts.ts';
import { finding, type Finding } from './finding.ts';

/** What was written down: that it is whole, that time runs forward in it, and that the grants count. */
export function checkLog(facts: Facts): readonly Finding[] {
  return [...checkAudit(facts), ...checkClock(facts), ...checkGrants(facts)];
}

function checkAudit({ audit, paths }: Facts): readonly Finding[] {
  const { verdict, problem } = audit;
  if (problem !== undefined) {
    const remedy = problem.hint ?? 'mcp audit verify';
    return [finding('audit-broken', paths.audit, { cause: problem.message, remedy })];
  }
  if (verdict === undefined || verdict.ok) return [];
  const { file = '', line = 0, message = 'is not whole' } = verdict.problem ?? {};
  return [
    finding('audit-broken', `${join(paths.audit, file)}:${line}`, {
      cause: `the audit ${message}`,
      remedy: `keep the folder as it is until you know why: ls -la ${word(paths.audit)}`,
    }),
  ];
}

/** Clocks of a machine are moved by less than that all the time. */
const tolerated = 60_000;

function checkClock({ audit, now, daemon, paths }: Facts): readonly Finding[] {
  const times = audit.times.map((time) => Date.parse(time)).filter((time) => !Number.isNaN(time));
  const last = Math.max(...times, Date.parse(daemon.status?.started ?? '') || 0, 0);
  if (last > now + tolerated) {
    return [
      finding('clock-future', 'clock', {
        cause: `the audit has a line that is ${duration(last - now)} in the future`,
        remedy: `look at the clock (date), and at the line: mcp audit tail`,
      }),
    ];
  }
  const backwards = times
    .slice(1)
    .map((time, index) => (times[index] ?? 0) - time)
    .filter((by, index) => by > tolerated && now - (times[index] ?? 0) < 86_400_000);
  const furthest = Math.max(0, ...backwards);
  if (furthest === 0) return [];
  return [
    finding('clock-set-back', 'clock', {
      cause: `it was set back by ${duration(furthest)} within the last day, by the lines in ${paths.audit}`,
      remedy:
        'what was granted for a time may last that much longer; to look at it: mcp approvals list',
    }),
  ];
}

function checkGrants({ daemon, files, paths }: Facts): readonly Finding[] {
  const problem = daemon.grantsProblem;
  if (problem !== undefined) {
    return [
      finding('grants-aside', paths.grants, {
        cause: problem.message,
        remedy: problem.hint ?? 'start your servers and approve them again: mcp approve',
      }),
    ];
  }
  const prefix = `${basename(paths.grants)}.refused-`;
  return files
    .filter(({ path }) => path === join(paths.state, basename(path)))
    .filter(({ path }) => basename(path).startsWith(prefix))
    .map(({ path }) =>
      finding('grants-left', path, {
        cause: 'these grants were not as this home wrote them, and were set aside',
        remedy: `once you know why, remove it: rm ${word(path)}`,
      }),
    );
}
