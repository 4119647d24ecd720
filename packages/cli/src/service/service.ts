import type { Called } from './manager.ts';

/** What the daemon of one home is to the service manager of its user. */
export interface Service {
  /** What a person calls it: the unit or agent that listens or runs. */
  readonly name: string;
  /** Of the log that the manager keeps. */
  readonly logHint: string;
  /** What the manager starts by itself: the socket's first client starts the daemon, or it always runs. */
  readonly onDemand: boolean;
  /** Looks without changing anything. */
  state(): Promise<ServiceState>;
  /** Writes the files; false when they were there already. Throws `ERR_INSECURE_FILE` for those of others. */
  write(): boolean;
  /**
   * Has the manager read the files, stop what it runs by older ones, and start. Not `ok` when none
   * answers, or not for these files; else `before` is called first, to end a daemon that it did not start.
   */
  start(before: () => Promise<void>): Promise<Called>;
  /** Stops what runs by our files, has nothing start it again, and takes the files away. */
  remove(): Promise<Removed>;
  /** Commands that do what `start` could not, and others for a person. */
  readonly toType: {
    readonly start: readonly string[];
    readonly restart: string;
    readonly stop: string;
  };
}

export interface ServiceState {
  /** Of the files. `other`: somebody else wrote one of them, or changed it. */
  readonly written: 'absent' | 'ours' | 'other';
  /** The manager starts it when its user logs in. */
  readonly enabled: boolean;
  /** What would be written now is what is there. */
  readonly current: boolean;
  /** Programs that the files name and that are no longer there. */
  readonly gone: readonly string[];
  /**
   * `waiting`: the manager listens, and nothing runs; `astray`: it does, and the path of the socket leads
   * elsewhere by now; `stopped`: it does neither; `unknown`: no manager answers, or not for these files.
   */
  readonly manager: 'running' | 'waiting' | 'astray' | 'stopped' | 'unknown';
}

export interface Removed {
  readonly removed: readonly string[];
  /** Not as we wrote them, and left. */
  readonly left: readonly string[];
  /** Why the manager could not be told; undefined when it was. */
  readonly untold: string | undefined;
}
