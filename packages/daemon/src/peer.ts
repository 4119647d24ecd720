/** A process at the other end of the socket, as the kernel describes it. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /** In the kernel's own unit; with the pid it names one process for ever. */
  readonly startTime: string;
}
