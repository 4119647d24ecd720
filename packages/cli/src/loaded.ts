/** How this process was loaded; mcp.ts says it. */
export interface Loaded {
  /** Keeps the code of every function that has run by now for the next launch. Never throws. */
  keepCode(): void;
  /** From now on what Node compiles is kept by its own compile cache. */
  cacheModules(): void;
}

let loaded: Loaded | undefined;

export function setLoaded(how: Loaded): void {
  loaded = how;
}

/** To be called at the end of what a launch of its kind does. From the sources it does nothing. */
export function keepCode(): void {
  loaded?.keepCode();
}

/** Before further modules are loaded. From the sources it does nothing. */
export function cacheModules(): void {
  loaded?.cacheModules();
}
