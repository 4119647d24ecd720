import { basename, dirname } from 'node:path';
import { isCodexAllowed, isSdkAllowed } from './allow-list.ts';
import {
  likeAnyOther,
  likeClaudeCode,
  likeCode,
  likeCursor,
  likeGemini,
  likeWindsurf,
  literally,
  type Expand,
} from './expand.ts';
import type { Entry } from './entry.ts';
import { isGeminiAllowed } from './gemini-hides.ts';

/** How one client reads its file, and what its servers inherit. docs/clients.md has the table. */
export interface ClientRules {
  /** As a person calls it. */
  readonly name: string;
  readonly format: 'json' | 'json with comments' | 'jsonc' | 'toml';
  /** The key below which the servers stand. */
  readonly key: 'mcpServers' | 'servers' | 'context_servers' | 'mcp_servers';
  readonly expand: Expand;
  readonly inherits: Entry['inherits'];
  /** Sections for single projects: the servers of the one that we are in come before the others. */
  readonly projects?: true;
  /** An `envFile` is read, and its variables come before the inherited ones. */
  readonly envFile?: true;
  /** Where servers run that name no folder, if that is not where the client runs. */
  readonly startsIn?: 'project or home';
}

const claudeDesktop: ClientRules = {
  name: 'Claude Desktop',
  format: 'json',
  key: 'mcpServers',
  expand: literally,
  inherits: isSdkAllowed,
};
const claudeCode: ClientRules = {
  name: 'Claude Code',
  format: 'json',
  key: 'mcpServers',
  expand: likeClaudeCode,
  inherits: 'all',
  projects: true,
};
const cursor: ClientRules = {
  name: 'Cursor',
  format: 'jsonc',
  key: 'mcpServers',
  expand: likeCursor,
  inherits: isSdkAllowed,
  envFile: true,
};
const code: ClientRules = {
  name: 'VS Code',
  format: 'jsonc',
  key: 'servers',
  expand: likeCode,
  inherits: 'all',
  envFile: true,
  startsIn: 'project or home',
};
/** It replaces only names that its user has approved in the IDE, which no file that we read tells. */
const kiro: ClientRules = {
  name: 'Kiro',
  format: 'json',
  key: 'mcpServers',
  expand: literally,
  inherits: isSdkAllowed,
};
const gemini: ClientRules = {
  name: 'Gemini',
  format: 'json with comments',
  key: 'mcpServers',
  expand: likeGemini,
  inherits: isGeminiAllowed,
};
const windsurf: ClientRules = {
  name: 'Windsurf',
  format: 'json',
  key: 'mcpServers',
  expand: likeWindsurf,
  inherits: isSdkAllowed,
};
const zed: ClientRules = {
  name: 'Zed',
  format: 'jsonc',
  key: 'context_servers',
  expand: literally,
  inherits: 'all',
};
const codex: ClientRules = {
  name: 'Codex',
  format: 'toml',
  key: 'mcp_servers',
  expand: literally,
  inherits: isCodexAllowed,
};
/** Most others take the same form, and each expands it in its own way. */
const other: ClientRules = {
  ...claudeDesktop,
  name: 'an MCP client',
  format: 'jsonc',
  expand: likeAnyOther,
};

/** The client whose file this is, by the name and the folder that it lies in. */
export function clientOf(file: string): ClientRules {
  const name = basename(file);
  const folder = dirname(file);
  const isIn = (...names: readonly string[]): boolean => names.includes(basename(folder));
  if (name === 'claude_desktop_config.json') return claudeDesktop;
  if (name === '.mcp.json' || name === '.claude.json') return claudeCode;
  if (name.endsWith('.toml')) return codex;
  if (name === 'mcp_config.json' && folder.includes('/.codeium')) return windsurf;
  if (name === 'settings.json' && isIn('.gemini')) return gemini;
  if (name === 'settings.json' && isIn('zed', '.zed')) return zed;
  if (name !== 'mcp.json') return other;
  if (isIn('.cursor')) return cursor;
  if (isIn('settings') && basename(dirname(folder)) === '.kiro') return kiro;
  if (isIn('.vscode', 'User') || basename(dirname(folder)) === 'profiles') return code;
  return other;
}

/** The same, once it is known what stands in it: a file may be called anything. */
export function clientByKeys(found: ClientRules, keys: readonly string[]): ClientRules {
  if (found !== other || keys.includes('mcpServers')) return found;
  if (keys.includes('servers')) {
    // Of no known project.
    const { startsIn: _, ...elsewhere } = code;
    return elsewhere;
  }
  return keys.includes('context_servers') ? zed : found;
}

/** The project that a file belongs to; undefined: a file for all of them. */
export function projectOf(file: string, home: string): string | undefined {
  const folder = dirname(file);
  const project = /^(.*)\/\.(?:cursor|vscode|kiro\/settings|gemini|zed|codex)$/.exec(folder)?.[1];
  if (project !== undefined) return project === home ? undefined : project || '/';
  return basename(file) === '.mcp.json' ? folder : undefined;
}
