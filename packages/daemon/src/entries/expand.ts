import { basename } from 'node:path';
import { BrokerError } from '@mcp-broker/providers/errors';
import type { Piece } from './entry.ts';
import { raw } from './entry.ts';

/** What a client knows when it puts its own variables in. */
export interface Surroundings {
  /** Where the client runs, or the project that the file belongs to. */
  readonly workspace: string;
  readonly home: string;
  isSet(name: string): boolean;
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
 * reference of ours.
 */
export const likeClaudeCode: Expand = (text, { isSet }) =>
  replace(text, /\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}/g, ([written, name = '']) =>
    isSet(name) ? { kind: 'inherited', name, text: written } : undefined,
  );

/** VS Code: `${env:X}`, empty when it is not set, and folders. What has to be asked for is refused. */
export const likeCode: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name !== undefined) {
      return at.isSet(name)
        ? { kind: 'inherited', name, text: written }
        : { kind: 'fixed', text: '' };
    }
    if (/^(?:input|command|config):/.test(body)) throw asked(written, at);
    return folderOf(body, at);
  });

/** Cursor: as VS Code. What it makes of a variable that is not set is not known, so that is refused. */
export const likeCursor: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name !== undefined) return setOrRefused(name, written, at);
    return folderOf(body, at);
  });

/** Windsurf: `${env:X}`; a `${file:…}` is a secret in a file, which we do not read. */
export const likeWindsurf: Expand = (text, at) =>
  replace(text, braced, ([written, body = '']) => {
    const name = envName(body);
    if (name !== undefined) return setOrRefused(name, written, at);
    if (body.startsWith('file:')) throw asked(written, at);
    return undefined;
  });

/**
 * Gemini: `$VAR`, `${VAR}` and `${VAR:-default}`. In an environment a `$VAR` that is not set is empty, in
 * the midst of a text too, and a backslash keeps a `$`; `${VAR}` is left to be a reference of ours.
 */
export const likeGemini: Expand = (text, { isSet }, place) =>
  replace(
    text,
    place === 'environment'
      ? /\\\$|\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}|\$([A-Za-z_]\w*)/g
      : /\$\{([A-Za-z_]\w*)(?::-[^}]*)?\}|\$([A-Za-z_]\w*)/g,
    ([written, inBraces, bare]) => {
      if (written === '\\$') return { kind: 'fixed', text: '$' };
      const name = inBraces ?? bare ?? '';
      if (isSet(name)) return { kind: 'inherited', name, text: written };
      if (bare !== undefined && place === 'environment') return { kind: 'fixed', text: '' };
      return undefined;
    },
  );

const braced = /\$\{([^${}]+)\}/g;

function envName(body: string): string | undefined {
  return body.startsWith('env:') ? body.slice('env:'.length) : undefined;
}

function setOrRefused(name: string, written: string, { isSet, entry }: Surroundings): Piece {
  if (isSet(name)) return { kind: 'inherited', name, text: written };
  throw new BrokerError('ERR_CONFIG', `${entry}: ${written} is not set here`, {
    hint: `set ${name} for the client, or write the reference $<${name}> and keep its value: mcp secret set ${name}`,
    subject: name,
  });
}

function folderOf(body: string, { workspace, home }: Surroundings): Piece | undefined {
  const folders: Readonly<Record<string, string>> = {
    workspaceFolder: workspace,
    workspaceFolderBasename: basename(workspace),
    userHome: home,
    pathSeparator: '/',
    '/': '/',
  };
  const text = Object.hasOwn(folders, body) ? folders[body] : undefined;
  return text === undefined ? undefined : { kind: 'fixed', text };
}

function asked(written: string, { entry }: Surroundings): BrokerError {
  return new BrokerError('ERR_CONFIG', `${entry}: ${written} is not read by mcp`, {
    hint: 'write a reference such as $<API_TOKEN> in its place, and keep the value: mcp secret set API_TOKEN',
  });
}

/** Every match in turn; undefined leaves it as it stands. */
function replace(
  text: string,
  pattern: RegExp,
  pieceOf: (match: RegExpMatchArray) => Piece | undefined,
): readonly Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const piece = pieceOf(match);
    if (piece === undefined) continue;
    pieces.push(...raw(text.slice(from, match.index)));
    if (piece.text !== '') pieces.push(piece);
    from = match.index + match[0].length;
  }
  pieces.push(...raw(text.slice(from)));
  return pieces;
}
