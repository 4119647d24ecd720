import { isBuiltin } from 'node:module';

/** As much of a bundler's plugin as these need. */
interface SourcePlugin {
  readonly name: string;
  resolveId(source: string): string | undefined;
  load(id: string): { readonly code: string; readonly moduleType: 'js' } | undefined;
}

/**
 * Takes Node's own modules without an import. For an import Node reads every export of the module, and
 * behind those of `node:fs` and `node:util` lies a large part of its library.
 */
export function builtinsUnread(): SourcePlugin {
  return inPlaceOf(
    'builtins-unread',
    isBuiltin,
    (source) => `module.exports = process.getBuiltinModule('${source}');`,
  );
}

/** Leaves out modules that we never reach, by their exports: to use one throws. */
export function leftOut(modules: Readonly<Record<string, readonly string[]>>): SourcePlugin {
  const isLeftOut = (source: string): boolean => Object.hasOwn(modules, source);
  return inPlaceOf('left-out', isLeftOut, (source) => {
    const names = modules[source] ?? [];
    const problem = JSON.stringify(`${source} is not part of this build`);
    return [
      `const none = new Proxy({}, { get() { throw new Error(${problem}); } });`,
      `export { ${names.map((name) => `none as ${name}`).join(', ')} };`,
    ].join('\n');
  });
}

function inPlaceOf(
  name: string,
  takes: (source: string) => boolean,
  write: (source: string) => string,
): SourcePlugin {
  const mark = `\0${name}:`;
  return {
    name,
    resolveId: (source) => (takes(source) ? `${mark}${source}` : undefined),
    load: (id) =>
      id.startsWith(mark) ? { code: write(id.slice(mark.length)), moduleType: 'js' } : undefined,
  };
}
