import { cpus } from 'node:os';
import { launchesAtOnce } from './at-once.ts';
import { auditAppend, auditSearch } from './audit.ts';
import { cachedSecrets } from './cached.ts';
import { connections } from './connections.ts';
import { decision } from './decision.ts';
import { grownHome } from './grown.ts';
import { keychainReads } from './keychain.ts';
import { firstLaunch, warmLaunch } from './launch.ts';
import { memory } from './memory.ts';
import { resolves } from './resolves.ts';
import { serverLaunch } from './server.ts';
import { streams } from './streams.ts';

// Every figure that the documents name, measured side by side in this one run. Needs a build, and a
// machine that does nothing else: the load is printed first.

const benches: readonly (readonly [title: string, bench: () => Promise<string>])[] = [
  ['a launch, everything warm', warmLaunch],
  ['a launch of a server: a script of 1 MB', serverLaunch],
  ['the first launch', firstLaunch],
  ['a launch in a home that has grown', grownHome],
  ['what a server writes, to a client that reads', streams],
  ['a decision inside the daemon', decision],
  ['launches over the socket', resolves],
  ['200 launches at once', launchesAtOnce],
  ['connections', connections],
  ['a value from the keychain', keychainReads],
  ['memory', memory],
  ['memory of cached secrets', cachedSecrets],
  ['lines of the audit log that are on the disk', auditAppend],
  ['a server in a day, over a million lines of the audit log', auditSearch],
];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const load = process.getBuiltinModule('node:os').loadavg()[0] ?? 0;
say(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${load.toFixed(2)}`,
);
for (const [title, bench] of benches) {
  say(`\n${title}`);
  say(await bench());
}
