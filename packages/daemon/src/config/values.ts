import * as z from 'zod/mini';
import { expandTilde } from '../paths.ts';
import { durationPattern, parseDuration } from './duration.ts';
import { parseSize, sizePattern } from './size.ts';

/**
 * The kinds of single values. Each message tells what would be right and never repeats what stands
 * there. They are zod's input text and give what the rest of the program works with.
 */

type Text<Output = string> = z.ZodMiniType<Output, string>;

function text(pattern: RegExp, message: string): z.ZodMiniString<string> {
  return z.string().check(z.regex(pattern, message));
}

export function whole(least: number, most: number): z.ZodMiniType<number> {
  return z.int().check(z.gte(least), z.lte(most));
}

/** One line without control characters. */
export const line: Text = text(/^[^\p{Cc}]+$/u, 'must be text on one line');

/** Milliseconds. */
export const duration: Text<number> = z.pipe(
  text(durationPattern, 'must be a duration such as 30s, 15m, 8h or 30d'),
  z.transform((value) => parseDuration(value) ?? Number.NaN),
);

/** Bytes. */
export const size: Text<number> = z.pipe(
  text(sizePattern, 'must be a size such as 256KiB or 64MiB'),
  z.transform((value) => parseSize(value) ?? Number.NaN),
);

/** An absolute path. */
export const file: Text = z.pipe(
  text(/^(\/|~\/)[^\p{Cc}]*$/u, 'must be a path that begins with / or ~/'),
  z.transform(expandTilde),
);

/** Any path; the earlier tool took relative ones. */
export const anyFile: Text = z.pipe(line, z.transform(expandTilde));

export const backendName: Text = text(
  /^[a-z][a-z0-9-]{0,62}$/,
  'must be a backend name: a-z, then a-z, 0-9 and -',
);

export const variableName: Text = text(
  /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
  'must be a variable name: A-Z, a-z, 0-9 and _, not beginning with a digit',
);

/** Of servers, targets and aliases. */
export const entryName: Text = text(
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
  'must be a name: A-Z, a-z, 0-9, _, dot and -, beginning with none of the last two',
);

const segment = String.raw`(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+`;

export const locatorPath: Text = text(
  new RegExp(`^${segment}(?:/${segment})*$`),
  'must be a path such as secret/databases/orders',
);

export const locatorPart: Text = text(
  new RegExp(`^${segment}$`),
  'must be a name: A-Z, a-z, 0-9, dot, _ and -',
);

/** Beginning with a dash it would be read as an option. */
export const hostOrUser: Text = text(
  /^[^\s\p{Cc}-][^\s\p{Cc}]*$/u,
  'must be a name without spaces',
);

export const prefix: Text = text(/^[A-Za-z0-9/_+=.@-]+$/, 'must be a prefix such as mcp/');

/** Any text that an argument or an environment can hold. */
export const words: Text = text(/^[^\0]*$/, 'must hold no NUL');

/** What is run: a program and its arguments, without a shell. */
export const argv: z.ZodMiniType<readonly string[], readonly string[]> = z.array(words).check(
  z.minLength(1, 'must name a program'),
  z.refine(([program]) => program !== '', 'must name a program'),
);

/** https, or http on this machine. */
export const serviceUrl: Text = url(
  ({ protocol, hostname }) =>
    protocol === 'https:' ||
    (protocol === 'http:' && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)),
  'must be an https:// address',
);

export const proxyUrl: Text = url(
  ({ protocol }) => protocol === 'http:' || protocol === 'https:',
  'must be an http:// or https:// address',
);

function url(allowed: (url: URL) => boolean, message: string): Text {
  return z.string().check(
    z.refine((value) => isUrl(value, allowed), { error: message, abort: true }),
    z.refine(hasNoLogin, 'must hold no login: no value in this file is ever a secret'),
    z.meta({ format: 'uri' }),
  );
}

function isUrl(value: string, allowed: (url: URL) => boolean): boolean {
  const parsed = URL.parse(value);
  return parsed !== null && parsed.search === '' && parsed.hash === '' && allowed(parsed);
}

/** In `https://user:password@host` the login is a secret. */
export function hasNoLogin(value: string): boolean {
  const parsed = URL.parse(value);
  return parsed === null || (parsed.username === '' && parsed.password === '');
}
