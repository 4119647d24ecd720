/** What lies on the disk and what runs, for whoever looks at it without the daemon. */
export { daemonPid } from './daemon-pid.ts';
export { lookAtLog, type LogLook } from './audit-log.ts';
export { checkKeychain, keychainProblemOf, type KeychainProblem } from './keychain.ts';
export { findOrphans, type Orphan } from './orphans.ts';
