import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createFrameReader, encodeFrame, type HelperAnswer, type HelperRequest } from './frames.ts';

/** The process that the library runs in (`worker.ts`). */
export interface Helper {
  ask(request: HelperRequest, bytes?: Uint8Array): void;
  end(): void;
}

export interface HelperOptions {
  /** The body is the receiver's to wipe. */
  readonly onAnswer: (answer: HelperAnswer, body: Buffer<ArrayBuffer>) => void;
  /** It has ended, for whatever reason. */
  readonly onEnd: () => void;
}

/** What the library needs on the systems that it knows; nothing else of ours reaches the helper. */
const passedOn: readonly string[] = [
  'HOME',
  'USER',
  'LOGNAME',
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
];

export function startHelper(bus: string | undefined, { onAnswer, onEnd }: HelperOptions): Helper {
  const url = import.meta.url.endsWith('.ts')
    ? new URL('./worker.ts', import.meta.url)
    : new URL('./keychain-worker.js', import.meta.url);
  const env = Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const child = spawn(
    process.execPath,
    ['--disable-sigusr1', '--expose-gc', '--v8-pool-size=1', fileURLToPath(url), 'serve'],
    {
      cwd: '/',
      env: { ...env, ...(bus === undefined ? {} : { DBUS_SESSION_BUS_ADDRESS: bus }) },
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    },
  );
  let hasEnded = false;
  const ended = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    child.kill('SIGKILL');
    onEnd();
  };
  child.on('error', ended);
  child.on('close', ended);
  child.stdin.on('error', ended);
  const read = createFrameReader<HelperAnswer>((answer, body) => {
    if (hasEnded) body.fill(0);
    else onAnswer(answer, body);
  });
  child.stdout.on('data', (piece: Buffer) => {
    try {
      read(piece);
    } catch {
      ended();
    }
  });
  return {
    ask(request, bytes) {
      const frame = encodeFrame(request, bytes);
      child.stdin.write(frame, () => frame.fill(0));
    },
    end() {
      hasEnded = true;
      child.kill('SIGKILL');
    },
  };
}
