import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createFrameReader, encodeFrame, type HelperAnswer } from './frames.ts';
import { keychainError, keychainProblems, type KeychainProblem } from './problem.ts';
import { problemOf, systemKeychain } from './system.ts';

/** What the library says, word for word. */
const said: readonly (readonly [KeychainProblem, string])[] = [
  ['locked', "Couldn't access platform storage: Secret Service: unlock prompt was dismissed"],
  ['locked', "Couldn't access platform storage: Secret Service: object locked"],
  [
    'locked',
    'zbus error: org.freedesktop.Secret.Error.IsLocked: Cannot get secret of a locked object',
  ],
  [
    'no-bus',
    'Platform failure: DBus error: Using X11 for dbus-daemon autolaunch was disabled at compile time, set your DBUS_SESSION_BUS_ADDRESS instead',
  ],
  [
    'no-bus',
    'Platform failure: DBus error: Failed to connect to socket /nonexist: No such file or directory',
  ],
  [
    'no-keychain',
    'Platform failure: DBus error: The name org.freedesktop.secrets was not provided by any .service files',
  ],
  ['no-keychain', 'Platform failure: No DBus session or Secret Service provider found'],
  [
    'silent',
    'Platform failure: DBus error: Did not receive a reply. Possible causes include: the remote application did not send a reply, the message bus security policy blocked the reply, the reply timeout expired, or the network connection was broken.',
  ],
  ['failed', 'something else'],
];

test.each(said)('%s is read from: %s', (problem, text) => {
  expect(problemOf(new Error(text), systemKeychain('linux'))).toBe(problem);
});

test('each problem has an error of its own, with a hint', () => {
  const errors = keychainProblems.map(keychainError);
  expect(new Set(errors.map(({ message }) => message)).size).toBe(keychainProblems.length);
  expect(new Set(errors.map(({ hint }) => hint)).size).toBeGreaterThan(5);
  for (const { message, hint } of errors) {
    expect(message).toMatch(/^[^A-Z].*[^.]$/u);
    expect(hint).toBeTypeOf('string');
  }
  const [locked, absent, silent] = (['locked', 'no-keychain', 'silent'] as const).map(
    keychainError,
  );
  expect([locked?.exitCode, absent?.exitCode, silent?.exitCode]).toEqual([75, 69, 69]);
});

test('only on Linux is a store chosen, and only there is there a bus', () => {
  expect(systemKeychain('linux')).toMatchObject({
    needsBus: true,
    options: { linux: { store: 'secret-service' } },
  });
  for (const platform of ['darwin', 'win32'] as const) {
    expect(systemKeychain(platform)).toMatchObject({ needsBus: false, options: {} });
  }
});

test.runIf(process.platform === 'linux')(
  'the helper never falls back to another store when there is no session bus',
  async () => {
    const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
    // Its environment names no bus, and the folder has none.
    const child = spawn(process.execPath, [worker, 'serve'], { env: { XDG_RUNTIME_DIR: '/' } });
    const closed = once(child, 'close');
    const answer = new Promise<HelperAnswer>((resolve) => {
      const read = createFrameReader<HelperAnswer>((header) => {
        resolve(header);
      });
      child.stdout.on('data', read);
    });
    const request = { id: 7, action: 'put', service: 'mcp-broker/test', name: 'none' } as const;
    child.stdin.write(encodeFrame(request, Buffer.from('x')));
    expect(await answer).toEqual({ id: 7, problem: 'no-bus' });
    child.stdin.end();
    await closed;
  },
);
