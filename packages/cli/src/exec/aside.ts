/**
 * Variables that would steer our own start: the launcher (bin/mcp) renames each `NAME` that is set to
 * `MCP_ASIDE_NAME`, and the server gets it back under its true name. A test holds this list, the
 * launcher's and `node --help` together.
 */
export const asideNames: readonly string[] = [
  'NODE_CHANNEL_FD',
  'NODE_CHANNEL_SERIALIZATION_MODE',
  'NODE_CLUSTER_SCHED_POLICY',
  'NODE_COMPILE_CACHE',
  'NODE_COMPILE_CACHE_PORTABLE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_DISABLE_COMPILE_CACHE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_NO_WARNINGS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_PENDING_DEPRECATION',
  'NODE_PENDING_PIPE_INSTANCES',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_PRESERVE_SYMLINKS_MAIN',
  'NODE_REDIRECT_WARNINGS',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_SKIP_PLATFORM_CHECK',
  'NODE_TEST_CONTEXT',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_UNIQUE_ID',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'NODE_V8_COVERAGE',
  'OPENSSL_CONF',
  'OPENSSL_CONF_INCLUDE',
  'OPENSSL_ENGINES',
  'OPENSSL_MODULES',
  'SSLKEYLOGFILE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'UV_THREADPOOL_SIZE',
  'UV_USE_IO_URING',
  'WATCH_REPORT_DEPENDENCIES',
];

const prefix = 'MCP_ASIDE_';

/** With `--replace` the launcher tells in it how it was started itself, before Node changed that. */
export const asideStart = 'MCP_ASIDE_START';

export type Environment = Record<string, string>;

/** Without a prototype: a variable may have any name, `__proto__` too. */
export function emptyEnvironment(): Environment {
  return Object.create(null) as Environment;
}

/** A copy of the environment as it was before the launcher, without what says where our home is. */
export function restoreEnvironment(source: NodeJS.ProcessEnv): Environment {
  const environment = emptyEnvironment();
  const restored = emptyEnvironment();
  for (const [name, value] of Object.entries(source)) {
    if (value === undefined || name === 'MCP_HOME' || name === asideStart) continue;
    const original = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
    if (original !== undefined && asideNames.includes(original)) restored[original] = value;
    else environment[name] = value;
  }
  return Object.assign(environment, restored);
}
