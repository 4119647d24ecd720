import { join } from 'node:path';

/** How servers stand in a file. */
export interface Shape {
  readonly format: 'json' | 'toml' | 'yaml';
  /** The key below which they stand: by name, or with `name` in a list. */
  readonly key: string;
  /** There may be more below `projects`, by folder. */
  readonly projects?: true;
}

/** A place where a client looks for servers. */
export interface ClientPlace {
  /** As a person calls it. */
  readonly client: string;
  /** An absolute path; whether something lies there is not said. */
  readonly file: string;
  /** For all folders, or for the project that it lies in. */
  readonly scope: 'user' | 'project';
  /** When this folder or file is there, the client is or was installed. Of the user's places alone. */
  readonly sign?: string;
  /** It is started from a desktop, where the PATH of a terminal is not known. */
  readonly graphical: boolean;
  readonly shape: Shape;
}

export interface Surroundings {
  /** The person's folder, not the broker's. */
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A folder that may be a project. */
  readonly project?: string | undefined;
}

/** Where applications keep what is theirs. */
interface Folders {
  readonly home: string;
  readonly config: string;
  /** Of applications with a window. */
  readonly applications: string;
  readonly environment: Surroundings['environment'];
}

interface KnownClient {
  readonly client: string;
  readonly shape: Shape;
  readonly graphical: boolean;
  /** Each file, and what shows that the client is there. */
  readonly user: (at: Folders) => readonly (readonly [file: string, sign: string])[];
  /** Below the project. */
  readonly project?: string;
}

const servers: Shape = { format: 'json', key: 'mcpServers' };

/** Of those that keep one file in one folder of the home. */
function inHome(folder: string, file: string): KnownClient['user'] {
  return ({ home }) => [[join(home, folder, file), join(home, folder)]];
}

/** VS Code, and what is made of it, by the names of their folders. */
const editors = ['Code', 'Code - Insiders', 'VSCodium'];

function extension(id: string, file: string): KnownClient['user'] {
  return ({ applications }) =>
    editors.map((editor) => {
      const folder = join(applications, editor, 'User', 'globalStorage', id);
      return [join(folder, 'settings', file), folder];
    });
}

/** docs/clients.md says what to write into each, and how those with rules of their own are read. */
const known: readonly KnownClient[] = [
  {
    client: 'Claude Desktop',
    shape: servers,
    graphical: true,
    user: ({ applications }) => [
      [join(applications, 'Claude', 'claude_desktop_config.json'), join(applications, 'Claude')],
    ],
  },
  {
    client: 'Claude Code',
    shape: { ...servers, projects: true },
    graphical: false,
    user: ({ home, environment }) => {
      const folder = environment['CLAUDE_CONFIG_DIR'] || home;
      return [[join(folder, '.claude.json'), join(folder, '.claude.json')]];
    },
    project: '.mcp.json',
  },
  {
    client: 'Cursor',
    shape: servers,
    graphical: true,
    user: inHome('.cursor', 'mcp.json'),
    project: '.cursor/mcp.json',
  },
  {
    client: 'VS Code',
    shape: { format: 'json', key: 'servers' },
    graphical: true,
    user: ({ applications }) =>
      editors.map((editor) => [
        join(applications, editor, 'User', 'mcp.json'),
        join(applications, editor),
      ]),
    project: '.vscode/mcp.json',
  },
  {
    client: 'Kiro',
    shape: servers,
    graphical: true,
    user: inHome('.kiro', 'settings/mcp.json'),
    project: '.kiro/settings/mcp.json',
  },
  {
    client: 'Gemini',
    shape: servers,
    graphical: false,
    user: inHome('.gemini', 'settings.json'),
    project: '.gemini/settings.json',
  },
  {
    client: 'Windsurf',
    shape: servers,
    graphical: true,
    user: inHome('.codeium/windsurf', 'mcp_config.json'),
  },
  {
    client: 'Zed',
    shape: { format: 'json', key: 'context_servers' },
    graphical: true,
    user: ({ config }) => [[join(config, 'zed', 'settings.json'), join(config, 'zed')]],
    project: '.zed/settings.json',
  },
  {
    client: 'Codex',
    shape: { format: 'toml', key: 'mcp_servers' },
    graphical: false,
    user: ({ home, environment }) => {
      const folder = environment['CODEX_HOME'] || join(home, '.codex');
      return [[join(folder, 'config.toml'), folder]];
    },
    project: '.codex/config.toml',
  },
  {
    client: 'Cline',
    shape: servers,
    graphical: true,
    user: (at) => [
      [join(at.home, '.cline/data/settings/cline_mcp_settings.json'), join(at.home, '.cline')],
      ...extension('saoudrizwan.claude-dev', 'cline_mcp_settings.json')(at),
    ],
  },
  {
    client: 'Roo Code',
    shape: servers,
    graphical: true,
    user: extension('rooveterinaryinc.roo-cline', 'mcp_settings.json'),
    project: '.roo/mcp.json',
  },
  { client: 'LM Studio', shape: servers, graphical: true, user: inHome('.lmstudio', 'mcp.json') },
  {
    client: 'Amazon Q',
    shape: servers,
    graphical: false,
    user: inHome('.aws/amazonq', 'mcp.json'),
    project: '.amazonq/mcp.json',
  },
  {
    client: 'Copilot CLI',
    shape: servers,
    graphical: false,
    user: ({ home, environment }) => {
      const folder = environment['COPILOT_HOME'] || join(home, '.copilot');
      return [[join(folder, 'mcp-config.json'), folder]];
    },
  },
  {
    client: 'OpenCode',
    shape: { format: 'json', key: 'mcp' },
    graphical: false,
    user: ({ config }) => [[join(config, 'opencode/opencode.json'), join(config, 'opencode')]],
    project: 'opencode.json',
  },
  {
    client: 'Continue',
    shape: { format: 'yaml', key: 'mcpServers' },
    graphical: true,
    user: inHome('.continue', 'config.yaml'),
  },
  {
    client: 'Goose',
    shape: { format: 'yaml', key: 'extensions' },
    graphical: false,
    user: ({ config }) => [[join(config, 'goose/config.yaml'), join(config, 'goose')]],
  },
];

/**
 * Every place where a client that we know looks for servers. Pure: the disk is not asked. The clients stand in
 * the order of docs/clients.md, the user's places of one before that of the project.
 */
export function clientPlaces(at: Surroundings): readonly ClientPlace[] {
  const { home, platform, environment, project } = at;
  const config = environment['XDG_CONFIG_HOME'] || join(home, '.config');
  const applications = platform === 'darwin' ? join(home, 'Library/Application Support') : config;
  const folders: Folders = { home, config, applications, environment };
  const places = known.flatMap(({ client, shape, graphical, user, project: below }) => [
    ...user(folders).map(([file, sign]): ClientPlace => ({
      client,
      file,
      scope: 'user',
      sign,
      graphical,
      shape,
    })),
    ...(project === undefined || below === undefined
      ? []
      : [{ client, file: join(project, below), scope: 'project', graphical, shape } as const]),
  ]);
  // In the home folder a project's place is that of the user.
  const first = new Map<string, ClientPlace>();
  for (const place of places) if (!first.has(place.file)) first.set(place.file, place);
  return [...first.values()];
}
