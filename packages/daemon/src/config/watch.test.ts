import {
  chmodSync,
  mkdtempSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  type FSWatcher,
} from 'node:fs';
import { EventEmitter } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrokerError } from '@mcp-broker/providers/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../clock.ts';
import { readConfig } from './read.ts';
import type { LoadedConfig } from './types.ts';
import { watchConfig, type ConfigWatch, type WatchOptions } from './watch.ts';

let folder: string;
let file: string;
let watch: ConfigWatch | undefined;
let reports: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-config-'));
  file = join(folder, 'config.yaml');
  reports = [];
  save('1m');
});

afterEach(() => {
  watch?.close();
  rmSync(folder, { recursive: true });
});

function text(ttl: string): string {
  return `version: "1.0"\nsettings: {ttl: ${ttl}}\n`;
}

function save(ttl: string): void {
  writeFileSync(file, text(ttl), { mode: 0o600 });
}

function start(options: Partial<WatchOptions> = {}): void {
  watch = watchConfig({
    file,
    clock: systemClock,
    loaded: readConfig(file),
    onChange: ({ state, config }: LoadedConfig) =>
      reports.push(state === 'absent' ? state : `${config.settings.ttlMs}`),
    onBroken: ({ code }: BrokerError) => reports.push(code),
    ...options,
  });
}

/** For the system's own events, which take their time. */
const patience = { timeout: 10_000, interval: 10 };

/** Time passes only when the test says so. */
function manualClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  const timers = new Set<{ at: number; action: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, action) {
      const timer = { at: now + ms, action };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.action();
      }
      now = end;
    },
  };
}

/** A watch whose events the test makes. */
function fakeWatch(): {
  readonly watchFolder: NonNullable<WatchOptions['watchFolder']>;
  readonly emit: (name: string | null) => void;
  readonly fail: () => void;
} {
  const watcher = Object.assign(new EventEmitter(), { close: () => undefined });
  let onEvent: ((name: string | null) => void) | undefined;
  return {
    watchFolder: (_folder, listener) => {
      onEvent = listener;
      return watcher as unknown as FSWatcher;
    },
    emit: (name) => onEvent?.(name),
    fail: () => watcher.emit('error', new Error('ENOSPC')),
  };
}

describe('the system’s own watch', () => {
  test('a file written in place is read again', async () => {
    start();
    save('2m');
    await expect.poll(() => reports, patience).toEqual(['120000']);
  });

  test('a file that an editor renames into place is read again, and once more', async () => {
    start();
    writeFileSync(`${file}.new`, text('2m'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    await expect.poll(() => reports, patience).toEqual(['120000']);
    writeFileSync(`${file}.new`, text('3m'), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    await expect.poll(() => reports, patience).toEqual(['120000', '180000']);
  });

  test('a file that is removed gives the defaults, and one that appears is read', async () => {
    start();
    unlinkSync(file);
    await expect.poll(() => reports, patience).toEqual(['absent']);
    save('2m');
    await expect.poll(() => reports, patience).toEqual(['absent', '120000']);
  });

  test('a file whose mode widens is reported, and again when it narrows', async () => {
    start();
    chmodSync(file, 0o644);
    await expect.poll(() => reports, patience).toEqual(['ERR_INSECURE_FILE']);
    chmodSync(file, 0o600);
    await expect.poll(() => reports, patience).toEqual(['ERR_INSECURE_FILE', '60000']);
  });

  test('a broken file is reported once for each change, and a good one ends it', async () => {
    start();
    save('soon');
    await expect.poll(() => reports, patience).toEqual(['ERR_CONFIG']);
    save('later');
    await expect.poll(() => reports, patience).toEqual(['ERR_CONFIG', 'ERR_CONFIG']);
    save('1m');
    await expect.poll(() => reports, patience).toEqual(['ERR_CONFIG', 'ERR_CONFIG', '60000']);
  });

  test('what changed between the reading and the start of the watch is not lost', async () => {
    const loaded = readConfig(file);
    save('2m');
    start({ loaded });
    await expect.poll(() => reports, patience).toEqual(['120000']);
  });
});

describe('events one by one', () => {
  test('many events of one change are one report, 100 ms after the last', () => {
    const clock = manualClock();
    const { watchFolder, emit } = fakeWatch();
    start({ clock, watchFolder });
    save('2m');
    for (let event = 0; event < 5; event++) {
      emit('config.yaml');
      clock.pass(99);
    }
    expect(reports).toEqual([]);
    clock.pass(1);
    expect(reports).toEqual(['120000']);
    emit('config.yaml');
    clock.pass(1000);
    expect(reports).toEqual(['120000']);
  });

  test('events of other files do not read it, and one without a name does', () => {
    const clock = manualClock();
    const { watchFolder, emit } = fakeWatch();
    start({ clock, watchFolder });
    clock.pass(100);
    save('2m');
    emit('secrets.age');
    clock.pass(1000);
    expect(reports).toEqual([]);
    emit(null);
    clock.pass(100);
    expect(reports).toEqual(['120000']);
  });

  test('where the system cannot watch, it looks every five seconds', () => {
    const clock = manualClock();
    start({
      clock,
      watchFolder: () => {
        throw Object.assign(new Error(), { code: 'ENOSPC' });
      },
    });
    clock.pass(5000);
    save('2m');
    clock.pass(5100);
    expect(reports).toEqual(['120000']);
  });

  test('a watch that breaks is replaced by looking every five seconds', () => {
    const clock = manualClock();
    const { watchFolder, fail } = fakeWatch();
    start({ clock, watchFolder });
    clock.pass(100);
    fail();
    clock.pass(5000);
    save('2m');
    clock.pass(5100);
    expect(reports).toEqual(['120000']);
  });

  test('a reload reads at once and reports, changed or not', () => {
    start({ clock: manualClock(), watchFolder: fakeWatch().watchFolder });
    watch?.reload();
    save('soon');
    watch?.reload();
    watch?.reload();
    expect(reports).toEqual(['60000', 'ERR_CONFIG', 'ERR_CONFIG']);
  });

  test('after the close nothing is read', () => {
    const clock = manualClock();
    const { watchFolder, emit } = fakeWatch();
    start({ clock, watchFolder });
    emit('config.yaml');
    watch?.close();
    save('2m');
    emit('config.yaml');
    clock.pass(60_000);
    expect(reports).toEqual([]);
  });
});
