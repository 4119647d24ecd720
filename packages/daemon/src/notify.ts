import type { Clock } from './clock.ts';
import type { Notification, Show } from './desktop.ts';

/** Tells a person at the desktop that a launch waits. It never fails, and nobody waits for it. */
export interface Notifier {
  /** Once for each request. `command`: what to type. */
  pending(request: { readonly id: string; readonly server?: string }, command: string): void;
}

export interface NotifierOptions {
  readonly clock: Clock;
  /** `settings.notify`, as it is now. */
  readonly enabled: () => boolean;
  /** Address of the session bus, if there is one. */
  readonly bus: () => string | undefined;
  readonly show: Show;
  readonly report: (line: string) => void;
}

/** Further requests within this time are told of together. */
const quietMs = 10_000;
const remembered = 256;
const longestName = 60;

export function createNotifier(options: NotifierOptions): Notifier {
  const { clock, show, report } = options;
  const told = new Set<string>();
  let quiet = false;
  let more = 0;

  const send = (notification: Notification): void => {
    const bus = options.bus();
    if (bus === undefined) {
      report('notify: there is no session bus');
      return;
    }
    // Not within the launch that is being answered: starting a program takes a while.
    setImmediate(() => {
      show(bus, notification).catch((error: unknown) => {
        report(`notify: ${error instanceof Error ? error.message : 'failed'}`);
      });
    });
  };

  const rest = (): void => {
    quiet = true;
    clock.after(quietMs, () => {
      quiet = false;
      if (more === 0) return;
      const body = `${more} more ${more === 1 ? 'waits' : 'wait'}. In a terminal: mcp approve`;
      more = 0;
      send({ summary, body });
      rest();
    });
  };

  return {
    pending({ id, server }, command) {
      if (!options.enabled() || told.has(id)) return;
      told.add(id);
      for (const old of told) {
        if (told.size <= remembered) break;
        told.delete(old);
      }
      if (quiet) {
        more += 1;
        return;
      }
      const who =
        server === undefined ? 'A server' : `A server that calls itself “${shown(server)}”`;
      send({
        summary,
        body: `${who} asks for secrets: request ${id}.\nIn a terminal: ${escaped(command)}`,
      });
      rest();
    },
  };
}

const summary = 'A launch waits for approval';

/** A name is the caller's own words: what it could pretend with is taken out, and it is cut short. */
function shown(text: string): string {
  const characters = Array.from(text.replace(/[\p{C}\p{Z}]+/gu, ' '));
  const cut = characters.length > longestName;
  return escaped(characters.slice(0, longestName).join('')) + (cut ? '…' : '');
}

/** Notification servers read a subset of HTML. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
