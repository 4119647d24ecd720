import { setImmediate } from 'node:timers/promises';
import { secretBytes } from '../secret-bytes.ts';
import { createFrameReader, encodeFrame, type HelperAnswer, type HelperRequest } from './frames.ts';
import { problemOf, systemKeychain } from './system.ts';

/**
 * The helper: a process of its own, because the library blocks its thread when it makes an entry, its
 * calls hold threads of the pool for as long as a dialog is open, and none of it can be called off but by
 * ending the process. It serves one request after the other, and ends when whoever started it has gone.
 */

/** Each entry has a connection to the bus, which is closed when it is collected. */
const collectEvery = 16;

const system = systemKeychain();
let served = 0;

async function serve(
  { id, action, service, name }: HelperRequest,
  body: Uint8Array,
): Promise<{ readonly answer: HelperAnswer; readonly value?: Uint8Array }> {
  const library = await import('@napi-rs/keyring').catch(() => undefined);
  if (library === undefined) return { answer: { id, problem: 'no-library' } };
  try {
    for (;;) {
      try {
        if (action === 'names') {
          const found = await library.findCredentialsAsync(service);
          const names = JSON.stringify(found.map(({ account }) => account));
          return { answer: { id, found: true }, value: Buffer.from(names) };
        }
        const entry = new library.AsyncEntry(service, name, system.options);
        if (action === 'put') {
          await entry.setSecret(body);
          return { answer: { id, found: true } };
        }
        if (action === 'delete') return { answer: { id, found: await entry.deleteCredential() } };
        const bytes = await entry.getSecret();
        if (bytes === null) return { answer: { id, found: false } };
        const value = secretBytes(bytes.length);
        value.set(bytes);
        bytes.fill(0);
        return { answer: { id, found: true }, value };
      } catch (error) {
        const problem = problemOf(error, system);
        // The library waits two seconds for a reply, and a loaded machine takes longer: again, until
        // whoever asked ends us. What was deleted before the reply got lost would not be found again.
        if (problem !== 'silent' || action === 'delete') return { answer: { id, problem } };
        // Making an entry fails without ever coming back to the event loop, where the end of our starter waits.
        await setImmediate();
      }
    }
  } finally {
    body.fill(0);
    served += 1;
    if (served % collectEvery === 0) globalThis.gc?.();
  }
}

// Loaded by a type check, a bundler or a test it does nothing.
if (process.argv[2] === 'serve') {
  let turn: Promise<void> = Promise.resolve();
  const read = createFrameReader<HelperRequest>((request, body) => {
    turn = turn.then(async () => {
      const { answer, value } = await serve(request, body);
      const frame = encodeFrame(answer, value);
      value?.fill(0);
      process.stdout.write(frame, () => frame.fill(0));
    });
  });
  // Not by `exit`: that waits for the threads, and one of them may wait for a dialog.
  const end = (): void => {
    process.kill(process.pid, 'SIGKILL');
  };
  process.stdin.on('data', read).on('end', end).on('error', end);
  process.stdout.on('error', end);
}
