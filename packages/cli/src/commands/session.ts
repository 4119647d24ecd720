import type { Client, Paths } from '@mcp-broker/daemon/client';

import type { Output } from '../output/print.ts';
import type { Terminal } from '../output/prompt.ts';

/** What a command gets from the outside, so that a test can stand in for any of it. */
export interface Session {
  readonly paths: Paths;
  /** `--config` names another environment than the home's own. */
  readonly configGiven: boolean;
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Connects, and starts the daemon when none runs. */
  connect(): Promise<Client>;
  /** Connects to the daemon that runs; undefined when there is none. */
  reach(): Promise<Client | undefined>;
  /** The controlling terminal; undefined when there is none. */
  openTerminal(): Terminal | undefined;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  /** All of an inherited descriptor, as bytes that the caller wipes. */
  readDescriptor(fd: number): Promise<Buffer>;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

/** Lends the client for the time of the call, and closes it however that ends. */
export async function using<T>(client: Client, action: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await action(client);
  } finally {
    client.close();
  }
}
