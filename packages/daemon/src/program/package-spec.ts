/** A package as a person asks a runner for it. */
export interface PackageSpec {
  readonly name: string;
  /** The exact version, commit or digest. */
  readonly pinned?: string;
}

const exactVersion = /^=?v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$/;
const commit = /[#@]([0-9a-f]{40})$/;

/** `name`, `@scope/name@1.2.3`, `github:owner/name#COMMIT`, a folder. Ranges and tags pin nothing. */
export function npmSpec(text: string): PackageSpec {
  const [, name, version] = /^((?:@[^/@]+\/)?[^/@:]+)(?:@(.*))?$/.exec(text) ?? [];
  if (name !== undefined) return specOf(name, exactVersion.exec(version ?? '')?.[1]);
  const [, hash] = commit.exec(text) ?? [];
  return specOf(text, hash);
}

/** `name`, `name[extra]==1.2.3`, `name@1.2.3`, `git+https://…@COMMIT`. `==1.2.*` pins nothing. */
export function pythonSpec(text: string): PackageSpec {
  const [, name, version] =
    /^([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?(?:(?:===?|@)([^,;*]+))?$/.exec(
      text.replaceAll(/\s+/g, ''),
    ) ?? [];
  if (name === undefined) return specOf(text, commit.exec(text)?.[1]);
  return specOf(name, version !== undefined && /^v?\d/.test(version) ? version : undefined);
}

/** `image`, `image:tag`, `image:tag@sha256:…`. */
export function imageSpec(text: string): PackageSpec {
  const [, name = text, digest] = /^(.*?)(?:@(sha256:[0-9a-f]{64}))?$/.exec(text) ?? [];
  return specOf(name, digest);
}

function specOf(name: string, pinned: string | undefined): PackageSpec {
  return pinned === undefined ? { name } : { name, pinned };
}
