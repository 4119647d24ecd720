import { closeSync, fstatSync } from 'node:fs';

import type { Libc } from './libc.ts';
import type { Platform } from './platform.ts';

// From <asm-generic/socket.h>, <bits/socket.h> and <sys/un.h>.
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; } */
const pathOffset = 2;
const addressSize = pathOffset + 108;

export function createListeningPath(libc: Libc): Platform['listeningPath'] {
  return (fd) => {
    if (!isSocket(fd)) return undefined;
    const option = (name: number): number => libc.getsockopt(fd, SOL_SOCKET, name, 4).readInt32LE();
    if (option(SO_TYPE) !== SOCK_STREAM || option(SO_ACCEPTCONN) !== 1) return undefined;
    const address = Buffer.alloc(addressSize);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(addressSize);
    if (libc.declare('int getsockname(int, void *, void *)')(fd, address, length) !== 0) {
      throw libc.failure('getsockname');
    }
    if (address.readUInt16LE() !== AF_UNIX) return undefined;
    const [path = ''] = address.toString('utf8', pathOffset, length.readUInt32LE()).split('\0');
    return path === '' ? undefined : path;
  };
}

export function createTellServiceManager(libc: Libc): Platform['tellServiceManager'] {
  return (socket, message) => {
    const path = Buffer.from(socket);
    if (path.length > addressSize - pathOffset) return;
    const address = Buffer.alloc(pathOffset + path.length);
    address.writeUInt16LE(AF_UNIX);
    path.copy(address, pathOffset);
    // An abstract one.
    if (socket.startsWith('@')) address[pathOffset] = 0;
    const fd = libc.declare('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    try {
      const bytes = Buffer.from(message);
      const sendto = libc.declare('long sendto(int, void *, size_t, int, void *, unsigned int)');
      sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
    } finally {
      closeSync(fd);
    }
  };
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket();
  } catch {
    return false;
  }
}
