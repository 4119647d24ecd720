import { basename } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import { isVariableName } from '../reference.ts';
import type { Piece } from './entry.ts';
import { raw } from './entry.ts';

/** What a client knows when it puts its own variables in. */
export interface Surroundings {
  /** Where the client runs, or the project that the file belongs to. */
  readonly workspace: string;
  readonly home: string;
  /** A variable of the environment that the client runs in. */
  valueOf(name: string): Uint8Array | undefined;
  /** For messages: `server "x" of FILE`. */
  readonly entry: string;
}

/** In an environment some clients expand otherwise than elsewhere. */
export type Place = 'environment' | 'elsewhere';

export type Expand = (text: string, at: Surroundings, place: Place) => readonly Piece[];

/** Claude Desktop, Zed, Codex: every text is what it is. */
export const literally: Expand = raw;

/**
 * Claude Code: `${VAR}` and `${VAR:-default}`. What is not set stays as it stands there, and so becomes a
 * reference of ours, in an environment with its default.
 */
export const likeClaudeCode: Expand = (text, { valueOf }, place) =>
  replace(text, /\$\{([^}]+)\}/g, ([written, body = '']) => {
    const [name = '', fallback] = body.split(':-', 2);
    if (valueOf(name) !== undefined) return { kind: 'inherited', name, text: written };
    return defaultOf(name, fallback, place);
  });

/** VS Code: `${env:X}`, empty when it is not set, and folders. What has to be asked for is refused. */
export const likeCode: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name === '' || ofEditor.test(body)) throw asked(written, at);
    if (name === undefined) return folderOf(body, at);
    return at.valueOf(name) === undefined
      ? { kind: 'fixed', text: '' }
      : { kind: 'inherited', name, text: written };
  });

/** Cursor: as VS Code. What it makes of a variable that is not set is not known, so that is refused. */
export const likeCursor: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name !== undefined) return setOrRefused(name, written, at);
    if (anywhere.test(body)) throw asked(written, at);
    return folderOf(body, at);
  });

/** Windsurf: `${env:X}`; a `${file:…}` is a secret in a file, which we do not read. */
export const likeWindsurf: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name !== undefined) return setOrRefused(name, written, at);
    if (anywhere.test(body)) throw asked(written, at);
    return undefined;
  });

/** A client that is not known: what some would replace is refused, and not handed on as it stands. */
export const likeAnyOther: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    if (anywhere.test(body) || envName(body) !== undefined) throw asked(written, at);
    return undefined;
  });

/**
 * Gemini, twice: first `$VAR`, `${VAR}` and `${VAR:-default}` everywhere, where what is not set stays. Then
 * once more in an environment, where a `$VAR` that is not set is empty and a backslash keeps a `$`; but a
 * `${VAR}` is left to be a reference of ours.
 */
export const likeGemini: Expand = (text, at, place) =>
  replace(
    text,
    place === 'environment' ? /(\\?)\$(?:(\w+)|\{([^}]+)\})|\\\$/g : /()\$(?:(\w+)|\{([^}]+)\})/g,
    ([written, backslash = '', bare, inBraces]) => {
      const [name, fallback] = inBraces === undefined ? [bare] : withDefault(inBraces);
      if (name === undefined) return { kind: 'fixed', text: '$' };
      const value = at.valueOf(name);
      if (value !== undefined) {
        if (place === 'environment' && isExpandable(value)) throw expandedAgain(name, at);
        const piece: Piece = { kind: 'inherited', name, text: written.slice(backslash.length) };
        return backslash === '' ? piece : [{ kind: 'fixed', text: backslash }, piece];
      }
      if (fallback !== undefined) return defaultOf(name, fallback, place);
      if (place === 'elsewhere') return undefined;
      if (backslash !== '') return { kind: 'fixed', text: written.slice(backslash.length) };
      return bare === undefined || /^\d/.test(bare) ? undefined : { kind: 'fixed', text: '' };
    },
  );

const braced = /\$\{([^${}]+)\}/g;

/** What VS Code asks for, or knows of its windows, settings and editors. */
const ofEditor =
  /^(?:(?:input|command|config|extensionInstallFolder|workspaceFolder):|file|relativeFile|(?:line|column)Number$|selectedText$|exec(?:Path|InstallFolder)$|defaultBuildTask$)/;

/** What only one or another client knows. */
const anywhere = /^(?:input|command|config|file):/;

function envName(body: string): string | undefined {
  return body.startsWith('env:') ? body.slice('env:'.length) : undefined;
}

/** In an environment a reference takes the default along: the variable may be one of ours. */
function defaultOf(name: string, fallback: string | undefined, place: Place): Piece | undefined {
  if (fallback === undefined || (place === 'environment' && isVariableName(name))) return undefined;
  return { kind: 'fixed', text: fallback };
}

function setOrRefused(name: string, written: string, { valueOf, entry }: Surroundings): Piece {
  if (valueOf(name) !== undefined) return { kind: 'inherited', name, text: written };
  throw new BrokerError('ERR_CONFIG', `${entry}: ${written} is not set here`, {
    hint: `set ${name} for the client, or write the reference $<${name}> and keep its value: mcp secret set ${name}`,
    subject: name,
  });
}

const folders: Readonly<Record<string, (at: Surroundings) => string>> = {
  workspaceFolder: ({ workspace }) => workspace,
  workspaceRoot: ({ workspace }) => workspace,
  cwd: ({ workspace }) => workspace,
  workspaceFolderBasename: ({ workspace }) => basename(workspace),
  workspaceRootFolderName: ({ workspace }) => basename(workspace),
  userHome: ({ home }) => home,
  pathSeparator: () => '/',
  '/': () => '/',
};

function folderOf(body: string, at: Surroundings): Piece | undefined {
  const text = Object.hasOwn(folders, body) ? folders[body]?.(at) : undefined;
  return text === undefined ? undefined : { kind: 'fixed', text };
}

function asked(written: string, { entry }: Surroundings): BrokerError {
  return new BrokerError('ERR_CONFIG', `${entry}: ${written} is not read by mcp`, {
    hint: 'write a reference such as $<API_TOKEN> in its place, and keep the value: mcp secret set API_TOKEN',
  });
}

const dollar = 0x24;
const backslash = 0x5c;

/** Whether Gemini's second pass would make another text of it. Bytes: it may be a secret. */
function isExpandable(value: Uint8Array): boolean {
  return value.some((byte, index) => {
    if (byte !== dollar) return false;
    const next = String.fromCharCode(value[index + 1] ?? 0);
    return value[index - 1] === backslash || /[A-Za-z_{]/.test(next);
  });
}

function expandedAgain(name: string, { entry }: Surroundings): BrokerError {
  return new BrokerError('ERR_CONFIG', `${entry}: ${name} holds a $ that Gemini would replace`, {
    hint: `keep its value, and write the reference $<${name}>: mcp secret set ${name}`,
    subject: name,
  });
}

/** What stands before the first `:-` that has a name before it, and what behind. */
function withDefault(body: string): readonly [name: string, fallback?: string] {
  const at = body.indexOf(':-', 1);
  return at === -1 ? [body] : [body.slice(0, at), body.slice(at + 2)];
}

/** Every match in turn; undefined leaves it as it stands. */
function replace(
  text: string,
  pattern: RegExp,
  pieceOf: (match: RegExpMatchArray) => Piece | readonly Piece[] | undefined,
): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  let start = 0;
  for (const part of partsToSearch(text)) {
    for (const match of part.matchAll(pattern)) {
      const found = pieceOf(match);
      if (found === undefined) continue;
      const at = start + match.index;
      pieces.push(...raw(text.slice(from, at)));
      pieces.push(...[found].flat().filter((piece) => piece.text !== ''));
      from = at + match[0].length;
    }
    start += part.length;
  }
  pieces.push(...raw(text.slice(from)));
  return pieces;
}

/**
 * The text, cut where no match can lie. Behind the last `}` nothing in braces ends: a pattern that looks for
 * the end from each `${` there takes a time that grows with the square of the text, and a text may have
 * megabytes.
 */
function partsToSearch(text: string): readonly string[] {
  const end = text.lastIndexOf('}') + 1;
  return [text.slice(0, end), ...text.slice(end).split(/(?<=\$)(?=\{)/)];
}
