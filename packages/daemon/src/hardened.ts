/** What the daemon's process loads once it is hardened, in one file when it is built. */
export { systemClock } from './clock.ts';
export { startDaemon } from './daemon.ts';
export { takeHome } from './home-lock.ts';
export { requireLent } from './listener/own-socket.ts';
export { turnAway } from './listener/turn-away.ts';
export { openLog } from './log-file.ts';
export { openFolders } from './socket-folder.ts';
