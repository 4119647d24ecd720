/** What the tool of a backend is asked to do. */
export type ToolOperation = 'get' | 'set' | 'list';

/** One run of a backend's tool, allowed at this moment, and nothing of it changed since. */
export interface AdmittedTool {
  /** What is executed. */
  readonly file: string;
  /** As it stands in the config, with `{name}` in place; the first one is what the tool is called by. */
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  /** All of it. */
  readonly environment: Readonly<Record<string, string>>;
  /** After the start. */
  release(): void;
}

/** What the daemon lends to a provider that runs tools. */
export interface ToolContext {
  /** The name of the backend. */
  readonly backend: string;
  /**
   * Directly before each run. Throws `ERR_NOT_APPROVED` when no person has allowed it as it is now, and what
   * is wrong with the tool itself.
   */
  admitTool(operation: ToolOperation): Promise<AdmittedTool>;
  /** Calls once after so many milliseconds; gives the cancel. */
  after(ms: number, action: () => void): () => void;
}

/** As config.yaml has it, in camel case. */
export interface CommandSettings {
  readonly get: readonly string[];
  readonly set?: readonly string[];
  readonly list?: readonly string[];
  /** How long one run may take. */
  readonly timeoutMs: number;
  /** What the tool exits with when there is no such secret. */
  readonly notFoundExit: readonly number[];
  /** What it exits with when it refuses. */
  readonly deniedExit: readonly number[];
}
