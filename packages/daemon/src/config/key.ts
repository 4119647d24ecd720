import { BrokerError } from '@mcp-broker/providers/errors';
import type { Path } from './problem.ts';

/** A part between dots: bare, or in quotes, where it may hold anything. */
const part = /(?:"((?:[^"\\]|\\["\\])*)"|'([^']*)'|([^\s."'[\]=]+))/y;
const index = /\[(\d{1,9})\]/y;

/**
 * A key as it is typed: `settings.ttl`, `servers."my.server".env.TOKEN`, `ssh_servers[0].port`. Throws
 * `ERR_USAGE`, which does not repeat what was typed: it may have been a value.
 */
export function parseKey(text: string): Path {
  const path: (string | number)[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    const name = take(part);
    if (name === null) throw misuse();
    const [, double, single, bare] = name;
    path.push(double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? '');
    for (let found = take(index); found !== null; found = take(index)) path.push(Number(found[1]));
    if (at === text.length) return path;
    if (text[at] !== '.') throw misuse();
    at += 1;
  }
}

/** The key that `parseKey` reads as this path. */
export function formatKey(path: Path): string {
  return path
    .map((name) => (typeof name === 'number' ? `[${name}]` : `.${quoted(name)}`))
    .join('')
    .replace(/^\./, '');
}

function quoted(name: string): string {
  return /^[^\s."'[\]=\\]+$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`;
}

function misuse(): BrokerError {
  return new BrokerError('ERR_USAGE', 'this is not a key of config.yaml', {
    hint: 'for instance settings.ttl, servers."my.server".env.TOKEN or ssh_servers[0].port; see: mcp config list',
  });
}
