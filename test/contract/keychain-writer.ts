import { tmpdir } from 'node:os';
import { createKeychainAccess } from '@mcp-broker/providers';

/** Uses the keychain on the bus that it is told, over and over, until it is killed. */
const [bus] = process.argv.slice(2);
const access = createKeychainAccess({
  sessionBus: () => bus,
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => {
      clearTimeout(timer);
    };
  },
});
const { signal } = new AbortController();
await access.put('mcp-broker/test', tmpdir(), Buffer.from('x'), { signal });
for (;;) await access.get('mcp-broker/test', tmpdir(), { signal });
