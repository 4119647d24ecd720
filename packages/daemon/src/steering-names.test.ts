import { describe, expect, test } from 'vitest';
import { isSteeringName } from './steering-names.ts';

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

describe('a name that steers a process', () => {
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
