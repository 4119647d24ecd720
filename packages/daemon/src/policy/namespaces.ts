/**
 * Which processes of other namespaces are let in, by their control group: paths as /proc/PID/cgroup has
 * them, each for itself and all below it. A config that names fewer counts at once; one that names more
 * counts when the daemon starts anew: a file that is changed behind a person's back relaxes nothing.
 */
export interface AllowedNamespaces {
  allows(controlGroup: string): boolean;
  /** The config now names these. */
  configure(paths: readonly string[]): void;
}

export function createAllowedNamespaces(initial: readonly string[]): AllowedNamespaces {
  let allowed = initial.map(normalise).filter(isNotRoot);
  return {
    allows: (controlGroup) => allowed.some((path) => isWithin(controlGroup, path)),
    configure(paths) {
      const named = paths.map(normalise).filter(isNotRoot);
      // What both name: of two that lie in each other the inner one.
      allowed = [
        ...allowed.filter((path) => named.some((other) => isWithin(path, other))),
        ...named.filter((path) => allowed.some((other) => isWithin(path, other))),
      ].filter((path, index, all) => all.indexOf(path) === index);
    },
  };
}

function normalise(path: string): string {
  return path.replace(/\/+$/u, '');
}

/** All processes lie below the root, so that to name it would name nothing. */
function isNotRoot(path: string): boolean {
  return path !== '';
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
