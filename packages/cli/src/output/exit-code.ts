/** What a shell reports of a program that a signal ended: 128 and the signal's number. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  // Loaded here alone: few servers end so.
  const { constants } = process.getBuiltinModule('node:os');
  return 128 + constants.signals[signal];
}
