/**
 * Names that make a process load code, trust someone, or talk to someone else than it would by itself.
 * A secret has no business there, and whoever can choose the value of one of them runs the process.
 * Names that merely say where a service is (`DATABASE_URL`) are not among them: values of that kind
 * are secrets often enough.
 */
const exact: ReadonlySet<string> = /* @__PURE__ */ words(`
  BASH_ENV BASHOPTS CDPATH ENV FPATH HOME IFS PATH PROMPT_COMMAND PS4 SHELL SHELLOPTS TMPDIR ZDOTDIR
  XDG_CACHE_HOME XDG_CONFIG_DIRS XDG_CONFIG_HOME XDG_DATA_DIRS XDG_DATA_HOME XDG_RUNTIME_DIR
  GCONV_PATH GETCONF_DIR GLIBC_TUNABLES HOSTALIASES LOCALDOMAIN LOCPATH NLSPATH RES_OPTIONS
  GIO_EXTRA_MODULES GIO_MODULE_DIR GTK_MODULES QT_PLUGIN_PATH
  NODE_CHANNEL_FD NODE_COMPILE_CACHE NODE_EXTRA_CA_CERTS NODE_OPTIONS NODE_PATH NODE_PRESERVE_SYMLINKS
  NODE_PRESERVE_SYMLINKS_MAIN NODE_REPL_EXTERNAL_MODULE NODE_TLS_REJECT_UNAUTHORIZED NODE_USE_ENV_PROXY NODE_V8_COVERAGE
  BUN_INSPECT_PRELOAD BUN_OPTIONS DENO_CERT DENO_TLS_CA_STORE ELECTRON_RUN_AS_NODE
  PYTHONBREAKPOINT PYTHONCASEOK PYTHONEXECUTABLE PYTHONHOME PYTHONHTTPSVERIFY PYTHONINSPECT PYTHONNOUSERSITE PYTHONPATH
  PYTHONPLATLIBDIR PYTHONPYCACHEPREFIX PYTHONSAFEPATH PYTHONSTARTUP PYTHONUSERBASE PYTHONWARNINGS
  PIP_CONFIG_FILE PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_INDEX_URL PIP_TRUSTED_HOST
  UV_CONFIG_FILE UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX UV_INDEX_URL UV_PROJECT_ENVIRONMENT UV_PYTHON
  UV_TOOL_DIR PIPX_HOME VIRTUAL_ENV
  PERL5DB PERL5LIB PERL5OPT PERL5SHELL PERLLIB
  BUNDLE_GEMFILE GEM_HOME GEM_PATH RUBYLIB RUBYOPT RUBYSHELL
  CLASSPATH GRADLE_OPTS JAVA_HOME JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS MAVEN_OPTS _JAVA_OPTIONS
  DOTNET_ADDITIONAL_DEPS DOTNET_ROOT DOTNET_STARTUP_HOOKS ERL_AFLAGS ERL_FLAGS ERL_ZFLAGS GOFLAGS GOPROXY
  LUA_CPATH LUA_INIT LUA_PATH PHPRC PHP_INI_SCAN_DIR RUSTC_WRAPPER
  GIT_ASKPASS GIT_CONFIG GIT_DIR GIT_EDITOR GIT_EXEC_PATH GIT_EXTERNAL_DIFF GIT_PAGER GIT_PROXY_COMMAND
  GIT_SEQUENCE_EDITOR GIT_SSH GIT_SSH_COMMAND GIT_SSL_CAINFO GIT_SSL_NO_VERIFY GIT_TEMPLATE_DIR
  BROWSER EDITOR LESSCLOSE LESSOPEN MANPAGER PAGER SSH_ASKPASS SUDO_ASKPASS VISUAL
  AWS_CA_BUNDLE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE CONTAINERS_CONF CONTAINERS_CONF_OVERRIDE
  ESBUILD_BINARY_PATH TSX_TSCONFIG_PATH CURL_CA_BUNDLE CURL_HOME OPENSSL_CONF OPENSSL_CONF_INCLUDE OPENSSL_ENGINES OPENSSL_MODULES REQUESTS_CA_BUNDLE
  SSLKEYLOGFILE SSL_CERT_DIR SSL_CERT_FILE
  COMSPEC PATHEXT PSMODULEPATH SYSTEMROOT WINDIR
  MCP_HOME MCP_LAUNCH
`);

/** Of these, what one terminal of a user has otherwise than the next without any meaning for a server. */
const surroundings: ReadonlySet<string> = /* @__PURE__ */ words(`
  BROWSER EDITOR GIT_ASKPASS GIT_EDITOR GIT_PAGER GIT_SEQUENCE_EDITOR LESSCLOSE LESSOPEN MANPAGER
  MCP_HOME MCP_LAUNCH NODE_CHANNEL_FD NODE_V8_COVERAGE PAGER PATH PROMPT_COMMAND PS4 SHELL SSH_ASKPASS
  SUDO_ASKPASS TMPDIR VIRTUAL_ENV VISUAL
  XDG_CONFIG_DIRS XDG_DATA_DIRS XDG_RUNTIME_DIR
  COMSPEC PATHEXT PSMODULEPATH SYSTEMROOT WINDIR
  npm_config_global_prefix npm_config_init_module npm_config_local_prefix npm_config_node_gyp
  npm_config_npm_version npm_config_user_agent
`);

/** Names that steer and whose value may hold a login. */
const mayHoldLogin: ReadonlySet<string> = /* @__PURE__ */ words(`
  GIT_CONFIG GIT_PROXY_COMMAND GOPROXY GRADLE_OPTS JAVA_OPTS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS MAVEN_OPTS
  _JAVA_OPTIONS PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_INDEX_URL
  UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX UV_INDEX_URL
`);

/** Where a program finds what it talks to. A secret may well stand there, so `isSteeringName` lets it. */
const address =
  /^(?:DOCKER_CONFIG|DOCKER_CONTEXT|KUBECONFIG|AWS_ENDPOINT_URL_.+|PG(?:HOST(?:ADDR)?|SERVICE(?:FILE)?)|.+_(?:ADDR|BASE|DOMAIN|ENDPOINT|HOST|HOSTNAME|PROXY|SERVER|SITE|UR[IL])S?)$/;
/** Where package runners take what they run from. A secret may well stand there too. */
const runner = /^(?:(?:UV|PIP|PIPX|YARN|COREPACK|BUN_CONFIG)_.+|BUN_INSTALL_CACHE_DIR|DENO_DIR)$/;
const npmPath = /^npm_config_(?:cache|globalconfig|node_options|prefix|script_shell|userconfig)$/i;

const prefixes: readonly string[] = [
  'LD_',
  'DYLD_',
  'BASH_FUNC_',
  'GIT_CONFIG_',
  'TS_NODE_',
  'COR_PROFILER',
  'CORECLR_PROFILER',
];

/** Read in either case by the programs that know them. */
const anyCase = /^(?:(?:https?|ftp|all|no)_proxy|npm_config_.*)$/i;

/** Whether a variable of this name steers the process that gets it. Windows does not tell case. */
export function isSteeringName(
  name: string,
  platform: NodeJS.Platform = process.platform,
): boolean {
  const known = platform === 'win32' ? name.toUpperCase() : name;
  return (
    exact.has(known) || prefixes.some((prefix) => known.startsWith(prefix)) || anyCase.test(name)
  );
}

/**
 * Whether an inherited variable of this name counts in the fingerprint although the entry does not set
 * it: it makes the server load code, trust someone, or talk to someone. PATH is handled apart, and a HOME
 * that is the user's own does not count in the end.
 */
export function isInheritedSteering(name: string): boolean {
  return (
    (isSteeringName(name) || address.test(name) || runner.test(name)) && !surroundings.has(name)
  );
}

/** Of those, whether the value may be shown to a person: it says what is loaded, and holds no login. */
export function isCodeLoading(name: string): boolean {
  if (exact.has(name)) return !surroundings.has(name) && !mayHoldLogin.has(name);
  return /^(?:LD|DYLD)_/.test(name) || npmPath.test(name);
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
