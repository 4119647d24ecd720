import type { Config } from '../config/types.ts';
import { isAllowed } from './allow-list.ts';
import { raw, type Entry } from './entry.ts';
import { unknownName } from './problem.ts';

/** A server of config.yaml's `servers:`, by its name. Throws `ERR_NOT_FOUND`. */
export function configuredEntry({ servers }: Config, name: string, file: string): Entry {
  const server = servers[name];
  if (server === undefined) {
    const command = `; a command stands after --: mcp exec -- ${name}`;
    throw unknownName(name, file, Object.keys(servers), command);
  }
  const [command = '', ...args] = server.command;
  return {
    command: raw(command),
    args: args.map(raw),
    env: Object.entries(server.env).map(([key, text]) => ({ name: key, text: raw(text) })),
    ...(server.cwd === undefined ? {} : { cwd: raw(server.cwd) }),
    inherits: isAllowed,
    origin: `${JSON.stringify(name)} of servers in ${file}`,
  };
}
