import * as z from 'zod';
import { backend, builtIn } from './backends.ts';
import { record, section } from './section.ts';
import { dockerHost, kubernetesCluster, sshServer } from './targets.ts';
import type {
  BackendConfig,
  Config,
  RotationConfig,
  ServerConfig,
  Settings,
  VariableConfig,
} from './types.ts';
import * as value from './values.ts';

/**
 * The one description of config.yaml: types.ts, the JSON Schema and the table of docs/configuration.md
 * follow from it. Keys are written in snake case and come out in camel case.
 */

// Compiling a check pays after thousands of uses, and the daemon forbids code from strings.
z.config({ jitless: true });

const limits = section({
  frame: value.size
    .refine((bytes) => bytes >= 4096 && bytes <= 16 * 1024 ** 2, 'must lie between 4KiB and 16MiB')
    .prefault('256KiB')
    .describe('Longest message on the socket, without its values.'),
  connections: z.int().min(1).max(100_000).default(12_000).describe('Connections at once.'),
  connections_per_process: z
    .int()
    .min(1)
    .max(100_000)
    .default(64)
    .describe('Of them, of one process.'),
});

const proxy = section({
  http: value.proxyUrl.exactOptional().describe('Proxy for http.'),
  https: value.proxyUrl.exactOptional().describe('Proxy for https.'),
  no_proxy: z.array(value.line).default([]).describe('Hosts that are reached without one.'),
});

const settings: z.ZodType<Settings> = section(
  {
    default_backend: value.backendName
      .default('sealed')
      .describe('Where `secret set` goes and a variable without an entry is looked for.'),
    ttl: value.duration.prefault('5m').describe('How long a cached value is fresh.'),
    max_stale: value.duration
      .prefault('30m')
      .describe('How long past that it may serve while its backend is down.'),
    path: z
      .array(value.file)
      .optional()
      .describe('PATH for servers that a client’s own PATH does not find.'),
    presence: z
      .enum(['terminal', 'passphrase'])
      .default('terminal')
      .describe('How a person shows to be there. `passphrase` is the strong mode.'),
    lock_after: value.duration
      .prefault('8h')
      .describe('Idle time after which the sealed file locks.'),
    identity_file: value.file
      .optional()
      .describe('Identity of the sealed file, for machines without a person; never made by us.'),
    notify: z.boolean().default(false).describe('Desktop notification of a pending request.'),
    allow_namespaces: z
      .array(value.file)
      .default([])
      .describe('Peers in other namespaces (containers) that may ask, by cgroup path.'),
    limits: limits.prefault({}),
    proxy: proxy.prefault({}),
    session_bus: value.line
      .optional()
      .describe('Address of the session bus, where ours does not name it.'),
    log_level: z
      .enum(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'])
      .default('INFO')
      .describe('How much the log says.'),
    timeout: z
      .union(
        [
          z
            .int()
            .min(0)
            .max(86_400)
            .transform((seconds) => seconds * 1000),
          value.duration,
        ],
        {
          error: 'must be a duration such as 30s, or a number of seconds',
        },
      )
      .prefault('30s')
      .describe('How long a target may take; a number counts seconds.'),
    retry_count: z.int().min(0).max(100).default(3).describe('How often a target is tried again.'),
    colored_output: z.boolean().default(true).describe('Colours on a terminal.'),
    default_k8s_namespace: value.entryName
      .default('default')
      .describe('Namespace of clusters that name none.'),
    default_log_lines: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(100)
      .describe('Lines that `logs` shows.'),
  },
  { ttl: 'ttlMs', max_stale: 'maxStaleMs', lock_after: 'lockAfterMs', timeout: 'timeoutMs' },
).transform(
  // Both stand in the type whether they are given or not.
  ({ path, identityFile, sessionBus, ...rest }): Settings => ({
    ...rest,
    path,
    identityFile,
    sessionBus,
  }),
);

const rotate: z.ZodType<RotationConfig> = section(
  {
    every: value.duration.exactOptional().describe('How often; or `cron`.'),
    cron: value.line.exactOptional().describe('When, as in crontab: `"0 3 * * 0"`; or `every`.'),
    method: z
      .enum(['generate', 'command', 'backend', 'oauth2', 'ssh-key', 'kubernetes-token'])
      .describe('How a new value comes about.'),
    generate: section({
      length: z.int().min(8).max(4096).default(32).describe('Characters.'),
      alphabet: z
        .enum(['base62', 'base64url', 'hex', 'digits'])
        .default('base62')
        .describe('Of which kind.'),
    })
      .prefault({})
      .describe('With `method: generate`.'),
    command: value.argv.exactOptional().describe('With `method: command`: prints the new value.'),
    set: value.argv
      .exactOptional()
      .describe('Installs the new value at its service: value on stdin.'),
    test: value.argv.exactOptional().describe('Must exit 0 with the new value on stdin.'),
    overlap: value.duration.prefault('0s').describe('How long the old value stays valid.'),
    on_rotate: z
      .string()
      .regex(
        /^(none|signal SIG(HUP|INT|TERM|USR1|USR2))$/,
        'must be none or a signal such as: signal SIGHUP',
      )
      .default('none')
      .describe('What running servers are told.'),
  },
  { every: 'everyMs', overlap: 'overlapMs' },
);

const variable: z.ZodType<VariableConfig> = section(
  {
    backend: value.backendName
      .exactOptional()
      .describe('Which backend; without one `settings.default_backend`.'),
    path: value.locatorPath
      .exactOptional()
      .describe('Whole path in it; without one the backend’s own path or prefix and the name.'),
    field: value.locatorPart.exactOptional().describe('Field of the secret.'),
    version: z
      .union([z.int().min(0).transform(String), value.locatorPart], {
        error: 'must be a version: a number or a name',
      })
      .exactOptional()
      .describe('Version; without one the newest.'),
    ttl: value.duration
      .exactOptional()
      .describe('How long its cached value is fresh; `0s` keeps none.'),
    max_stale: value.duration
      .exactOptional()
      .describe('How long past that it may serve while its backend is down.'),
    rotate: rotate.exactOptional().describe('How and when it is replaced by a new value.'),
  },
  { ttl: 'ttlMs', max_stale: 'maxStaleMs' },
);

const server: z.ZodType<ServerConfig> = section({
  command: value.argv.describe('What is run.'),
  env: record(value.variableName, value.words)
    .prefault({})
    .describe('Its environment, beside a small allow-list: name → text with references.'),
  cwd: value.file.exactOptional().describe('Folder that it runs in.'),
});

const schema: z.ZodType<Config> = section({
  version: z.literal('1.0').describe('Version of this format.'),
  settings: settings.prefault({}),
  backends: record(value.backendName, backend)
    .prefault({})
    .describe('Name → kind and settings. `keychain` and `sealed` exist without an entry.'),
  variables: record(value.variableName, variable)
    .prefault({})
    .describe(
      'Name → where its value lies and how it lives; one without an entry is looked for by name.',
    ),
  servers: record(value.entryName, server).prefault({}).describe('For `mcp exec NAME`.'),
  audit: section(
    {
      keep: value.duration.prefault('90d').describe('How long audit files are kept.'),
      rotate_at: value.size.prefault('64MiB').describe('Size at which a new audit file begins.'),
    },
    { keep: 'keepMs' },
  ).prefault({}),
  ssh_servers: z.array(sshServer).default([]).describe('SSH servers.'),
  kubernetes_clusters: z.array(kubernetesCluster).default([]).describe('Kubernetes clusters.'),
  docker_hosts: z.array(dockerHost).default([]).describe('Docker hosts.'),
  aliases: record(value.entryName, value.line)
    .prefault({})
    .describe('Name → command line for targets.'),
}).transform((file): Config => ({
  settings: file.settings,
  backends: withBuiltIn(file.backends),
  variables: file.variables,
  servers: file.servers,
  audit: file.audit,
  sshServers: file.sshServers,
  kubernetesClusters: file.kubernetesClusters,
  dockerHosts: file.dockerHosts,
  aliases: file.aliases,
}));

function withBuiltIn(configured: Config['backends']): Config['backends'] {
  const backends: Record<string, BackendConfig> = Object.create(null);
  for (const [name, kind] of Object.entries(builtIn)) backends[name] = { kind, settings: {} };
  return Object.assign(backends, configured);
}

/** The config, or what is wrong with it. */
export function validate(
  data: unknown,
): { config: Config } | { issues: readonly z.core.$ZodIssue[] } {
  const { data: config, error } = schema.safeParse(data);
  return error === undefined ? { config } : { issues: error.issues };
}

/** The JSON Schema of config.yaml, for editors. */
export function configJsonSchema(): object {
  return { title: 'config.yaml of MCP Broker', ...z.toJSONSchema(schema, { io: 'input' }) };
}
