import { openLibc } from '../platform/libc.ts';

const AF_UNIX = 1;
const EWOULDBLOCK = 11;

export interface Lendable {
  /** A descriptor of it for whoever is to close it. */
  lend(): number;
  close(): void;
}

/** A Unix socket as a service manager makes it: bound at the path, 0600, and listening. */
export function bindLendable(
  path: string,
  { type = 1, listens = true }: { readonly type?: number; readonly listens?: boolean } = {},
): Lendable {
  const libc = openLibc(EWOULDBLOCK);
  const address = Buffer.from(`\u0001\0${path}`);
  const fd = libc.declare('int socket(int, int, int)')(AF_UNIX, type, 0);
  const before = process.umask(0o177);
  const bound = libc.declare('int bind(int, void *, unsigned int)')(fd, address, address.length);
  process.umask(before);
  if (bound !== 0 || (listens && libc.declare('int listen(int, int)')(fd, 100) !== 0)) {
    throw libc.failure('bind');
  }
  return {
    lend: () => libc.declare('int dup(int)')(fd),
    close: () => void libc.declare('int close(int)')(fd),
  };
}
