import * as z from 'zod/mini';
import { backend, builtIn } from './backends.ts';
import { described, record, section } from './section.ts';
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
  frame: described(
    z.prefault(
      value.size.check(
        z.refine(
          (bytes) => bytes >= 4096 && bytes <= 16 * 1024 ** 2,
          'must lie between 4KiB and 16MiB',
        ),
      ),
      '256KiB',
    ),
    'Longest message on the socket, without its values.',
  ),
  connections: described(
    z._default(value.whole(1, 100_000), 12_000),
    'Connections at once; fewer where the system gives fewer descriptors.',
  ),
  connections_per_process: described(
    z._default(value.whole(1, 100_000), 64),
    'Of them, of one process.',
  ),
});

const proxy = section({
  http: described(z.exactOptional(value.proxyUrl), 'Proxy for http.'),
  https: described(z.exactOptional(value.proxyUrl), 'Proxy for https.'),
  no_proxy: described(z._default(z.array(value.line), []), 'Hosts that are reached without one.'),
});

const settings: z.ZodMiniType<Settings> = z.pipe(
  section(
    {
      default_backend: described(
        z._default(value.backendName, 'sealed'),
        'Where `secret set` goes and a variable without an entry is looked for.',
      ),
      ttl: described(z.prefault(value.duration, '5m'), 'How long a cached value is fresh.'),
      max_stale: described(
        z.prefault(value.duration, '30m'),
        'How long past that it may serve while its backend is down.',
      ),
      path: described(
        z.optional(z.array(value.file)),
        'PATH for servers that a client’s own PATH does not find.',
      ),
      presence: described(
        z._default(z.enum(['terminal', 'passphrase']), 'terminal'),
        'How a person shows to be there. `passphrase` is the strong mode.',
      ),
      lock_after: described(
        z.prefault(value.duration, '8h'),
        'Idle time after which the home locks; one on the keychain opens again by itself when it is needed. A longer time counts once the daemon has been restarted.',
      ),
      identity_file: described(
        z.optional(value.file),
        'Identity of the sealed file, for machines without a person; never made by us.',
      ),
      notify: described(
        z._default(z.boolean(), false),
        'Desktop notification of a pending request: its id, what the server calls itself, and what to type.',
      ),
      allow_namespaces: described(
        z._default(z.array(value.file), []),
        'Control groups whose processes may ask from other namespaces (containers, sandboxes), with all below them: paths as after `0::` in /proc/PID/cgroup. Fewer count at once, more when the daemon starts anew.',
      ),
      limits: z.prefault(limits, {}),
      proxy: z.prefault(proxy, {}),
      session_bus: described(
        z.optional(value.line),
        'Address of the session bus, where ours does not name it.',
      ),
      log_level: described(
        z._default(z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']), 'INFO'),
        'How much the log says.',
      ),
      timeout: described(
        z.prefault(
          z.union(
            [
              z.pipe(
                value.whole(0, 86_400),
                z.transform((seconds) => seconds * 1000),
              ),
              value.duration,
            ],
            {
              error: 'must be a duration such as 30s, or a number of seconds',
            },
          ),
          '30s',
        ),
        'How long a target may take; a number counts seconds.',
      ),
      retry_count: described(
        z._default(value.whole(0, 100), 3),
        'How often a target is tried again.',
      ),
      colored_output: described(z._default(z.boolean(), true), 'Colours on a terminal.'),
      default_k8s_namespace: described(
        z._default(value.entryName, 'default'),
        'Namespace of clusters that name none.',
      ),
      default_log_lines: described(
        z._default(value.whole(0, 1_000_000), 100),
        'Lines that `logs` shows.',
      ),
    },
    { ttl: 'ttlMs', max_stale: 'maxStaleMs', lock_after: 'lockAfterMs', timeout: 'timeoutMs' },
  ),
  z.transform(
    // Both stand in the type whether they are given or not.
    ({ path, identityFile, sessionBus, ...rest }): Settings => ({
      ...rest,
      path,
      identityFile,
      sessionBus,
    }),
  ),
);

const rotate: z.ZodMiniType<RotationConfig> = section(
  {
    every: described(z.exactOptional(value.duration), 'How often; or `cron`.'),
    cron: described(z.exactOptional(value.line), 'When, as in crontab: `"0 3 * * 0"`; or `every`.'),
    method: described(
      z.enum(['generate', 'command', 'backend', 'oauth2', 'ssh-key', 'kubernetes-token']),
      'How a new value comes about.',
    ),
    generate: described(
      z.prefault(
        section({
          length: described(z._default(value.whole(8, 4096), 32), 'Characters.'),
          alphabet: described(
            z._default(z.enum(['base62', 'base64url', 'hex', 'digits']), 'base62'),
            'Of which kind.',
          ),
        }),
        {},
      ),
      'With `method: generate`.',
    ),
    command: described(
      z.exactOptional(value.argv),
      'With `method: command`: prints the new value.',
    ),
    set: described(
      z.exactOptional(value.argv),
      'Installs the new value at its service: value on stdin.',
    ),
    test: described(z.exactOptional(value.argv), 'Must exit 0 with the new value on stdin.'),
    overlap: described(z.prefault(value.duration, '0s'), 'How long the old value stays valid.'),
    on_rotate: described(
      z._default(
        z
          .string()
          .check(
            z.regex(
              /^(none|signal SIG(HUP|INT|TERM|USR1|USR2))$/,
              'must be none or a signal such as: signal SIGHUP',
            ),
          ),
        'none',
      ),
      'What running servers are told.',
    ),
  },
  { every: 'everyMs', overlap: 'overlapMs' },
);

const variable: z.ZodMiniType<VariableConfig> = section(
  {
    backend: described(
      z.exactOptional(value.backendName),
      'Which backend; without one `settings.default_backend`.',
    ),
    path: described(
      z.exactOptional(value.locatorPath),
      'Whole path in it; without one the backend’s own path or prefix and the name.',
    ),
    field: described(z.exactOptional(value.locatorPart), 'Field of the secret.'),
    version: described(
      z.exactOptional(
        z.union([z.pipe(z.int().check(z.gte(0)), z.transform(String)), value.locatorPart], {
          error: 'must be a version: a number or a name',
        }),
      ),
      'Version; without one the newest.',
    ),
    ttl: described(
      z.exactOptional(value.duration),
      'How long its cached value is fresh; `0s` keeps none.',
    ),
    max_stale: described(
      z.exactOptional(value.duration),
      'How long past that it may serve while its backend is down.',
    ),
    rotate: described(z.exactOptional(rotate), 'How and when it is replaced by a new value.'),
  },
  { ttl: 'ttlMs', max_stale: 'maxStaleMs' },
);

const server: z.ZodMiniType<ServerConfig> = section({
  command: described(value.argv, 'What is run.'),
  env: described(
    z.prefault(record(value.variableName, value.words), {}),
    'Its environment, beside a small allow-list: name → text with references.',
  ),
  cwd: described(z.exactOptional(value.file), 'Folder that it runs in.'),
});

export const schema: z.ZodMiniType<Config> = z.pipe(
  section({
    version: described(z.literal('1.0'), 'Version of this format.'),
    settings: z.prefault(settings, {}),
    backends: described(
      z.prefault(record(value.backendName, backend), {}),
      'Name → kind and settings. `keychain` and `sealed` exist without an entry.',
    ),
    variables: described(
      z.prefault(record(value.variableName, variable), {}),
      'Name → where its value lies and how it lives; one without an entry is looked for by name.',
    ),
    servers: described(z.prefault(record(value.entryName, server), {}), 'For `mcp exec NAME`.'),
    audit: z.prefault(
      section(
        {
          keep: described(
            z.prefault(value.duration, '90d'),
            'How long audit files are kept. A shorter time counts once the daemon has been restarted.',
          ),
          rotate_at: described(
            z.prefault(value.size, '64MiB'),
            'Size at which a new audit file begins.',
          ),
        },
        { keep: 'keepMs' },
      ),
      {},
    ),
    ssh_servers: described(z._default(z.array(sshServer), []), 'SSH servers.'),
    kubernetes_clusters: described(
      z._default(z.array(kubernetesCluster), []),
      'Kubernetes clusters.',
    ),
    docker_hosts: described(z._default(z.array(dockerHost), []), 'Docker hosts.'),
    aliases: described(
      z.prefault(record(value.entryName, value.line), {}),
      'Name → command line for targets.',
    ),
  }),
  z.transform((file): Config => ({
    settings: file.settings,
    backends: withBuiltIn(file.backends),
    variables: file.variables,
    servers: file.servers,
    audit: file.audit,
    sshServers: file.sshServers,
    kubernetesClusters: file.kubernetesClusters,
    dockerHosts: file.dockerHosts,
    aliases: file.aliases,
  })),
);

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
