import { describe, expect, test } from 'vitest';
import { isCodeLoading, isInheritedSteering, isSteeringName } from './steering-names.ts';

const steering = `
  LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_ANYTHING_NEW DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH
  NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED ELECTRON_RUN_AS_NODE
  PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONINSPECT PERL5OPT PERL5LIB RUBYOPT RUBYLIB
  JAVA_TOOL_OPTIONS _JAVA_OPTIONS CLASSPATH DOTNET_STARTUP_HOOKS CORECLR_PROFILER_PATH
  BASH_ENV ENV PATH IFS SHELLOPTS HOME SHELL ZDOTDIR
  GIT_SSH_COMMAND GIT_SSH GIT_CONFIG_GLOBAL GIT_CONFIG_VALUE_0 GIT_EXEC_PATH
  SSLKEYLOGFILE SSL_CERT_FILE OPENSSL_CONF REQUESTS_CA_BUNDLE
  npm_config_registry NPM_CONFIG_REGISTRY npm_config_script_shell PIP_INDEX_URL UV_INDEX_URL
  http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY no_proxy Https_Proxy
  DOTNET_ROOT ESBUILD_BINARY_PATH TS_NODE_COMPILER AWS_CONFIG_FILE CONTAINERS_CONF NODE_PRESERVE_SYMLINKS
  EDITOR PAGER LESSOPEN SSH_ASKPASS GCONV_PATH GLIBC_TUNABLES MCP_HOME MCP_LAUNCH
`;

const plain = `
  GITHUB_TOKEN API_TOKEN DB_PASSWORD DATABASE_URL MY_PATH PATHS MYPATH LD LDAP_PASSWORD OLD_PRELOAD
  NODE_AUTH_TOKEN NODE_ENV NPM_TOKEN NPMCONFIG PYTHON_TOKEN PYTHONANYWHERE_TOKEN ENVIRONMENT MY_ENV BASH_ENV2
  GIT_TOKEN GIT_PASSWORD GITCONFIG PROXY_TOKEN MY_HTTP_PROXY HTTP_PROXY_PASSWORD HTTPS_PROXY_TOKEN IFSC_CODE
  HOME_ASSISTANT_TOKEN HOMEPAGE JAVA_KEYSTORE_PASSWORD SSL_KEY_PASSPHRASE AWS_SECRET_ACCESS_KEY
  PIP_TOKEN UV_PUBLISH_TOKEN EDITOR_KEY DYLDX path node_options _ a
`;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

describe('A4: a name that steers a process', () => {
  test.each(words(steering))('%s', (name) => {
    expect(isSteeringName(name, 'linux')).toBe(true);
  });
});

describe('a name that does not', () => {
  test.each([...words(plain), '', 'ＰＡＴＨ', 'PАTH', ' PATH', '__proto__', 'constructor'])(
    '%j',
    (name) => {
      expect(isSteeringName(name, 'linux')).toBe(false);
    },
  );
});

test.each(['Path', 'node_options', 'ld_preload', 'PsModulePath'])(
  '%s steers on Windows',
  (name) => {
    expect(isSteeringName(name, 'win32')).toBe(true);
    expect(isSteeringName(name, 'linux')).toBe(false);
  },
);

const shown = `
  NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED LD_PRELOAD LD_LIBRARY_PATH
  DYLD_INSERT_LIBRARIES PYTHONPATH PYTHONHOME PYTHONSTARTUP PERL5LIB PERL5OPT RUBYLIB RUBYOPT BASH_ENV ENV
  GIT_SSH_COMMAND GIT_EXEC_PATH SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF CLASSPATH
  HOME XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME PYTHONNOUSERSITE PYTHONSAFEPATH UV_TOOL_DIR UV_PROJECT_ENVIRONMENT PIPX_HOME
  npm_config_cache npm_config_prefix npm_config_userconfig NPM_CONFIG_CACHE npm_config_node_options
`;

const hidden = `
  http_proxy HTTPS_PROXY no_proxy ALL_PROXY GLOBAL_AGENT_HTTP_PROXY
  PGHOST PGHOSTADDR PGSERVICEFILE DD_SITE JIRA_SERVER AUTH0_DOMAIN DB_HOSTNAME ELASTICSEARCH_HOSTS REDIS_URLS
  DATABASE_URL API_URL OPENAI_BASE_URL MONGODB_URI PGHOST_HOST DB_HOST DOCKER_HOST S3_ENDPOINT
  OPENAI_API_BASE VAULT_ADDR AWS_ENDPOINT_URL_S3 KUBECONFIG DOCKER_CONTEXT
  GIT_CONFIG_COUNT GIT_CONFIG_VALUE_0 BASH_FUNC_which%% JAVA_TOOL_OPTIONS _JAVA_OPTIONS
  UV_CACHE_DIR UV_PYTHON_INSTALL_DIR UV_PUBLISH_TOKEN PIP_CACHE_DIR PIPX_SHARED_LIBS COREPACK_NPM_REGISTRY DENO_DIR
  PIP_INDEX_URL UV_INDEX_URL GOPROXY npm_config_registry npm_config_//registry.example.org/:_authToken
`;

const uncounted = `
  PATH SHELL TMPDIR XDG_RUNTIME_DIR XDG_CONFIG_DIRS EDITOR VISUAL PAGER GIT_PAGER BROWSER LESSOPEN
  GIT_ASKPASS SSH_ASKPASS VIRTUAL_ENV npm_config_user_agent npm_config_local_prefix MCP_LAUNCH MCP_HOME
  TERM TERM_PROGRAM COLORTERM LANG LC_ALL USER LOGNAME PWD OLDPWD SHLVL WINDOWID SSH_AUTH_SOCK SSH_CONNECTION
  DBUS_SESSION_BUS_ADDRESS DISPLAY WAYLAND_DISPLAY HOSTNAME GITHUB_TOKEN NODE_ENV DEBUG npm_lifecycle_event
  PGUSER PGPORT SITE SERVER DOMAIN COOKIE_DOMAINNAME HOST URL _URL URL_PREFIX db_url __proto__ constructor
`;

test.each(words(shown))('an inherited %s counts, and is shown', (name) => {
  expect([isInheritedSteering(name), isCodeLoading(name)]).toEqual([true, true]);
});

test.each(words(hidden))('an inherited %s counts, and only its digest is kept', (name) => {
  expect([isInheritedSteering(name), isCodeLoading(name)]).toEqual([true, false]);
});

test.each([...words(uncounted), ''])('an inherited %j does not count', (name) => {
  expect([isInheritedSteering(name), isCodeLoading(name)]).toEqual([false, false]);
});
