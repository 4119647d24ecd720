import { isatty } from 'node:tty';

import { connect, locatePaths, type Client, type PathOptions } from '@mcp-broker/daemon/client';
import { BrokerError } from '@mcp-broker/daemon/protocol';

import { daemonProgram } from '../exec/daemon-program.ts';
import { requireConfig } from '../exec/given-config.ts';
import { readDescriptor } from '../input/descriptor.ts';
import type { Output } from '../output/print.ts';
import { openTerminal } from '../output/prompt.ts';
import { version } from '../version.ts';
import type { Session } from './session.ts';

/** The session of a real command: the real daemon, terminal, descriptors and time. */
export function openSession(options: PathOptions, output: Output): Session {
  const paths = locatePaths(options);
  const client = `mcp ${version}`;
  return {
    paths,
    configGiven: options.config !== undefined,
    output,
    environment: process.env,
    connect: async () => {
      if (options.config !== undefined) requireConfig(paths.config);
      const finish = output.progress('starting the daemon');
      try {
        return attended(await connect(paths, { client, start: daemonProgram }), output);
      } finally {
        finish();
      }
    },
    reach: async () => {
      try {
        return attended(await connect(paths, { client }), output);
      } catch (error) {
        return absent(error);
      }
    },
    openTerminal,
    stdinIsTerminal: isatty(0),
    stdoutIsTerminal: isatty(1),
    readDescriptor,
    now: () => Date.now(),
  };
}

/** The client, which says that it waits when an answer takes long. */
function attended(client: Client, output: Output): Client {
  return {
    async call(method, params, extras) {
      const finish = output.progress('waiting for the daemon');
      try {
        return await client.call(method, params, extras);
      } finally {
        finish();
      }
    },
    on: (event, listener) => {
      client.on(event, listener);
    },
    closed: client.closed,
    close: () => {
      client.close();
    },
  };
}

/** No daemon, and no home for one, are the same to whoever asks only for a daemon that runs. */
function absent(error: unknown): Client | undefined {
  if (
    error instanceof BrokerError &&
    (error.code === 'ERR_DAEMON_UNREACHABLE' || error.code === 'ERR_NO_HOME')
  ) {
    return undefined;
  }
  throw error;
}
