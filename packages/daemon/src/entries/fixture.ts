import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import type { BrokerError } from '@mcp-broker/providers/errors';
import type { Entry, Piece } from './entry.ts';
import { readEntry } from './index.ts';

const samples = fileURLToPath(new URL('../../../../test/fixtures/clients', import.meta.url));
const environment: Readonly<Record<string, string>> = {
  PRESET: 'preset',
  EMPTY: '',
  HOME: '/h',
  PATH: '/bin',
  TOKEN_X: 'x',
  DOLLAR: 'a $word',
};
let root = '';

/** A copy of the files of test/fixtures/clients in a folder of its own for each test file, and how to read them. */
export interface Samples {
  readonly root: string;
  /** The file is replaced. */
  write(file: string, text: string | Uint8Array): void;
  read(file: string, name?: string, folder?: string): Entry;
}

export function useSamples(): Samples {
  beforeAll(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-entries-')));
    cpSync(samples, root, { recursive: true });
    const file = join(root, 'claude-code', '.claude.json');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('PROJECT', join(root, 'project')));
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });
  return {
    get root() {
      return root;
    },
    write(file, text) {
      const path = join(root, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    },
    read,
  };
}

function read(file: string, name = 'github', folder = root): Entry {
  return readEntry({
    file: join(root, file),
    name,
    workingDirectory: folder,
    home: '/h',
    isShown: () => undefined,
    valueOf: (variable) =>
      Object.hasOwn(environment, variable) ? Buffer.from(environment[variable] ?? '') : undefined,
  });
}

/** A text with each variable of the environment as `<name>`; `ROOT` is the folder. */
export function written(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (piece.kind === 'inherited' ? `{${piece.name}}` : piece.text))
    .join('')
    .replaceAll(root, 'ROOT');
}

export function environmentOf(entry: Entry): Record<string, string> {
  return Object.fromEntries(entry.env.map(({ name, text }) => [name, written(text)]));
}

export const files = {
  desktop: 'claude-desktop/claude_desktop_config.json',
  project: 'claude-code/.mcp.json',
  claude: 'claude-code/.claude.json',
  cursor: 'cursor/.cursor/mcp.json',
  code: 'vscode/.vscode/mcp.json',
  kiro: 'kiro/.kiro/settings/mcp.json',
  gemini: 'gemini/.gemini/settings.json',
  windsurf: 'windsurf/.codeium/windsurf/mcp_config.json',
  zed: 'zed/.zed/settings.json',
  codex: 'codex/.codex/config.toml',
};
export type Client = keyof typeof files;

export function failure(action: () => unknown): BrokerError {
  try {
    action();
  } catch (error) {
    return error as BrokerError;
  }
  throw new Error('nothing was thrown');
}
