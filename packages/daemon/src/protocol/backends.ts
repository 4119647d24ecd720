import type { ErrorShape } from '@mcp-broker/providers/errors';

/** What a person looks at of the stores: which there are, whether they work, what they keep of a value. */

export interface BackendStatus {
  readonly name: string;
  readonly kind: string;
  /** `unused`: nothing leads there, and it was not asked. */
  readonly state: 'ready' | 'locked' | 'missing' | 'unavailable' | 'unused';
}

export interface BackendSummary extends BackendStatus {
  /** Variables without an entry lie there. */
  readonly isDefault: boolean;
  /** Its file, address, region or program. */
  readonly where?: string;
  /** How many entries under `variables` name it. */
  readonly variables: number;
}

/** One step of a test, in the order in which they are made; after one that failed the rest is skipped. */
export interface BackendStep {
  readonly step: 'reach' | 'authenticate' | 'list' | 'read';
  readonly outcome: 'ok' | 'failed' | 'skipped';
  /** Milliseconds. What one request did for two steps counts for both. */
  readonly durationMs?: number;
  /** In words, without any value. */
  readonly detail?: string;
  /** Why it failed. */
  readonly problem?: ErrorShape;
}

export interface SecretVersion {
  readonly version?: string;
  /** ISO 8601, UTC. */
  readonly created?: string;
  readonly updated?: string;
}

export interface BackendMethods {
  'backend.list': {
    params: Record<string, never>;
    result: { readonly backends: readonly BackendSummary[] };
  };
  /** Asks the store itself. Reads one value, which does not leave the daemon. */
  'backend.test': {
    params: { readonly name: string };
    result: {
      readonly name: string;
      readonly kind: string;
      readonly steps: readonly BackendStep[];
    };
  };
  /** The versions that the store keeps, newest first; none where it keeps none, or has no such secret. */
  'secret.history': {
    params: { readonly name: string };
    result: {
      readonly name: string;
      readonly backend: string;
      readonly locator: string;
      readonly versions: readonly SecretVersion[];
    };
  };
}
