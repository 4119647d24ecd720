/** What a client launches, as its configuration says it. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface Call {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A session: launch, initialize or discover, list the tools, call some, close. */
export interface Visit {
  readonly launch: Launch;
  readonly calls: readonly Call[];
  /** Called with all answers there and the server still running, by a client that stops there. */
  whileRunning(): Promise<void>;
  /** Called with an answer there, by a client that does not stop, and closes by itself. */
  answered(): void;
}

/** What a client has seen. */
export interface Seen {
  /** What the server said of itself, and whatever else is to be the same with and without us. */
  readonly server: unknown;
  /** As the client gives it, with the list in it. */
  readonly tools: unknown;
  /** One for each call. */
  readonly answers: readonly unknown[];
  /** As a shell says it, of a client that looks. */
  readonly exit?: number;
}

/** A real client. Resolves when it has closed the session in its own way; rejects when it saw an error. */
export type RealClient = (visit: Visit) => Promise<Seen>;
