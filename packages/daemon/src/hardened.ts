/** What the daemon's process loads once it is hardened, in one file when it is built. */
export { systemClock } from './clock.ts';
export { startDaemon } from './daemon.ts';
export { tryFileLock } from './file-lock.ts';
export { openFolders } from './socket-folder.ts';
