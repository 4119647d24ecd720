import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';

/** What a test that starts one needs (`needs.ts`). */
export const keychainNeeds = [
  'linux',
  'setpriv',
  'dbus-daemon',
  'dbus-send',
  'gnome-keyring-daemon',
] as const;

/** A session bus of its own, with an unlocked gnome-keyring on it, in a folder of its own. */
export interface Keychain {
  readonly folder: string;
  /** For DBUS_SESSION_BUS_ADDRESS or `settings.session_bus`. */
  readonly bus: string;
  /** Until somebody types its password, and nobody can: there is no desktop. */
  lock(): void;
  /** Runs a program in this session, with the keyring's password on stdin; gives what it prints. */
  run(program: string, args: readonly string[]): string;
  /** Begins anew with the same items, unlocked. */
  restart(): Promise<void>;
  /** Keeps its callers waiting until the release is called. */
  stall(): () => void;
  /** Of the keyring's daemon alone; the bus stays. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** Names nothing to start: what is not there is not there. */
const busConfig = (bus: string): string => `<!DOCTYPE busconfig PUBLIC
  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>${bus}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

const password = 'password of a test';
const readyMs = 30_000;

export async function startKeychain({
  keyring = true,
}: { readonly keyring?: boolean } = {}): Promise<Keychain> {
  const folder = mkdtempSync(join(tmpdir(), 'kc-'));
  const bus = `unix:path=${folder}/bus`;
  const env = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: folder,
    LC_ALL: 'C.UTF-8',
    XDG_RUNTIME_DIR: join(folder, 'run'),
    XDG_DATA_HOME: join(folder, 'data'),
    DBUS_SESSION_BUS_ADDRESS: bus,
  };
  mkdirSync(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  writeFileSync(join(folder, 'bus.conf'), busConfig(bus));

  const send = (destination: string, path: string, ...call: readonly string[]): boolean =>
    spawnSync('dbus-send', ['--session', '--print-reply', `--dest=${destination}`, path, ...call], {
      env,
    }).status === 0;
  const has = (name: string): boolean =>
    send(
      'org.freedesktop.DBus',
      '/org/freedesktop/DBus',
      'org.freedesktop.DBus.GetNameOwner',
      `string:${name}`,
    );
  const begin = async (
    program: string,
    args: readonly string[],
    isReady: () => boolean,
  ): Promise<Begun> => {
    const child = spawn(program, args, { env, cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
    const closed = once(child, 'close');
    // Not every program reads it.
    child.stdin.on('error', () => undefined);
    child.stdin.end(password);
    const deadline = Date.now() + readyMs;
    while (!isReady()) {
      if (child.exitCode !== null || Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`${program} did not start`);
      }
      await after(20);
    }
    return {
      signal: (name) => child.kill(name),
      stop: async () => {
        child.kill('SIGKILL');
        await closed;
      },
    };
  };
  const beginKeyring = (): Promise<Begun> =>
    begin('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], () =>
      has('org.freedesktop.secrets'),
    );

  // Ends with a test that is killed, and the keyring with it.
  const bound = [
    '--pdeathsig',
    'KILL',
    'dbus-daemon',
    `--config-file=${folder}/bus.conf`,
    '--nofork',
  ];
  const daemon = await begin('setpriv', bound, () => has('org.freedesktop.DBus'));
  let keeper = keyring ? await beginKeyring() : undefined;
  return {
    folder,
    bus,
    lock: () => {
      const collection = '/org/freedesktop/secrets/collection/login';
      const isLocked = send(
        'org.freedesktop.secrets',
        '/org/freedesktop/secrets',
        'org.freedesktop.Secret.Service.Lock',
        `array:objpath:${collection}`,
      );
      if (!isLocked) throw new Error('the keyring could not be locked');
    },
    run: (program, args) => {
      const ended = spawnSync(program, args, { env, input: password });
      if (ended.status !== 0) throw new Error(`${program}: ${String(ended.stderr)}`);
      return ended.stdout.toString();
    },
    restart: async () => {
      await keeper?.stop();
      keeper = await beginKeyring();
    },
    stall: () => {
      keeper?.signal('SIGSTOP');
      return () => keeper?.signal('SIGCONT');
    },
    kill: async () => {
      await keeper?.stop();
      keeper = undefined;
    },
    remove: async () => {
      await keeper?.stop();
      await daemon.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Begun {
  signal(name: NodeJS.Signals): void;
  stop(): Promise<void>;
}
