import type { Client } from '@mcp-broker/daemon/client';
import { BrokerError, type LaunchRequest } from '@mcp-broker/daemon/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHome, mcpCommand, type Home } from '../kit/home.ts';
import { connectTo, launchOf } from '../kit/protocol.ts';
import { run } from '../kit/run.ts';

// What a value is to be put into: names that run code in the server, and names that are none.

let home: Home;
let client: Client;
beforeAll(async () => {
  home = await createHome({ kind: 'sealed' });
  await home.set('TOKEN', 'value');
  client = await connectTo(home);
}, 60_000);
afterAll(async () => {
  client.close();
  await home.remove();
});

const into = (...names: readonly string[]): LaunchRequest =>
  launchOf('TOKEN', {
    environment: names.map((name) => ({ name, value: '$<TOKEN>', origin: 'entry' })),
  });

async function refusal(launch: LaunchRequest): Promise<BrokerError> {
  try {
    await client.call('launch.request', launch);
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was allowed');
}

/** The request of a launch, as it stands there for a person. */
async function requestFor(launch: LaunchRequest): Promise<{
  readonly id: string;
  readonly fingerprint: string;
  readonly steers: readonly string[];
  readonly message: string;
}> {
  const { subject, message } = await refusal(launch);
  const { pending } = (await client.call('approval.list', {})).result;
  const request = pending.find(({ id }) => id === subject);
  if (request === undefined) throw new Error(`nobody is asked: ${message}`);
  const steers = request.variables.flatMap((variable) => variable.steers);
  return { id: request.id, fingerprint: request.fingerprint, steers, message };
}

const steering = `
  LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH GCONV_PATH GLIBC_TUNABLES
  NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_TLS_REJECT_UNAUTHORIZED NODE_V8_COVERAGE BUN_OPTIONS DENO_CERT
  ELECTRON_RUN_AS_NODE PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONWARNINGS PERL5OPT PERL5LIB PERL5DB RUBYOPT RUBYLIB
  JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS CLASSPATH DOTNET_STARTUP_HOOKS CORECLR_PROFILER_PATH LUA_INIT PHPRC
  BASH_ENV ENV PATH IFS SHELLOPTS PS4 PROMPT_COMMAND CDPATH HOME SHELL ZDOTDIR TMPDIR
  GIT_SSH_COMMAND GIT_SSH GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_EXEC_PATH GIT_ASKPASS GIT_PROXY_COMMAND
  SSLKEYLOGFILE SSL_CERT_FILE OPENSSL_CONF CURL_CA_BUNDLE REQUESTS_CA_BUNDLE npm_config_registry NPM_CONFIG_USERCONFIG
  PIP_INDEX_URL UV_INDEX_URL http_proxy HTTPS_PROXY all_proxy EDITOR PAGER LESSOPEN SSH_ASKPASS MCP_HOME
`;
const steeringNames = steering.trim().split(/\s+/u);

describe('A4: a value for a name that steers the server', () => {
  test.each(steeringNames)(
    '%s is approved by its name alone',
    async (name) => {
      const { id, fingerprint, steers, message } = await requestFor(into(name));
      expect(steers).toEqual([name]);
      expect(message).toContain(`${name} steers a process`);
      const attachments = [Buffer.from(home.passphrase)];
      const grant = client.call('approval.grant', { id, fingerprint }, { attachments });
      await expect(grant).rejects.toMatchObject({ code: 'ERR_USAGE' });
      // Out of the way: so many wait at most.
      await client.call('approval.deny', { id, lifetime: 'once' });
    },
    30_000,
  );

  test('stays refused beside others that were approved', async () => {
    const entries = ['--env', 'A=$<TOKEN>', '--env', 'LD_PRELOAD=$<TOKEN>', '--', '/bin/true'];
    const refused = await home.mcp(['exec', ...entries]);
    expect(refused.stderr).toContain('LD_PRELOAD steers a process');
    const id = /approve (\w{4})/u.exec(refused.stderr)?.[1] ?? '';
    const approved = await home.mcp(['approve', id, '--fd', '3'], { fd3: home.passphrase });
    expect(approved.code).not.toBe(0);
    expect((await home.mcp(['exec', ...entries])).code).toBe(77);
  });
});

const none = [
  ['another one behind an equals sign', 'A=B'],
  ['LD_PRELOAD behind an equals sign', 'LD_PRELOAD=/tmp/evil.so#'],
  ['nothing', ''],
  ['a NUL', 'LD_PRELOAD\0'],
  ['a NUL within', 'A\0LD_PRELOAD'],
  ['a line feed', 'A\nLD_PRELOAD'],
  ['a blank before', ' LD_PRELOAD'],
  ['a blank after', 'LD_PRELOAD '],
  ['a full-width letter', 'ＬD_PRELOAD'],
  ['a full-width low line', 'LD＿PRELOAD'],
  ['a Cyrillic letter', 'РATH'],
  ['a Greek letter', 'PΑTH'],
  ['a combining mark', 'PATH\u0301'],
  ['a zero-width space', 'PA\u200bTH'],
  ['a right-to-left mark', '\u200fPATH'],
  ['a dotless i', 'ıFS'],
  ['a digit first', '1PATH'],
  ['a hyphen', 'LD-PRELOAD'],
  ['a function of bash', 'BASH_FUNC_ls%%'],
  ['129 letters', 'A'.repeat(129)],
] as const;

describe('A4: a value for a name with', () => {
  test.each(none)('%s is no launch', async (_what, name) => {
    expect(await refusal(into(name))).toMatchObject({ code: 'ERR_USAGE' });
    // As the command takes it, what stands behind the first `=` is the value.
    if (name.includes('\0') || name.includes('=')) return;
    const ended = await home.mcp(['exec', '--env', `${name}=$<TOKEN>`, '--', '/bin/true']);
    expect(ended).toMatchObject({ code: 64, stdout: '' });
  });

  test('an equals sign ends there: the rest is value', async () => {
    const args = ['--env', 'LD_A=LD_PRELOAD=/nonexistent', '--', '/usr/bin/env'];
    const { stdout } = await home.mcp(['exec', ...args]);
    expect(stdout.split('\n')).toContain('LD_A=LD_PRELOAD=/nonexistent');
    expect(stdout).not.toMatch(/^LD_PRELOAD=/mu);
  });
});

describe('A4: names that are alike', () => {
  test('are given once', async () => {
    const twice = ['--env', 'A=$<TOKEN>', '--env', 'A=literal', '--', '/bin/true'];
    expect(await home.mcp(['exec', ...twice])).toMatchObject({ code: 64 });
  });

  test('and differ in case alone are two, of which neither becomes the other', async () => {
    const args = ['--env', 'path=$<TOKEN>', '--env', 'Path=literal', '--', '/usr/bin/env'];
    await home.approve(args);
    const lines = (await home.mcp(['exec', ...args])).stdout.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([`PATH=${home.env['PATH'] ?? ''}`, 'path=value', 'Path=literal']),
    );
  });

  test('a name that is none is not given a value by the environment either', async () => {
    const env = { ...home.env, 'BASH_FUNC_ls%%': '$<TOKEN>' };
    // A shell without such names drops it before us.
    const ended = await run(mcpCommand, ['exec', '--', '/usr/bin/env'], { env });
    expect([0, 64]).toContain(ended.code);
    expect(ended.stdout).not.toMatch(/BASH_FUNC|value/u);
  });
});
