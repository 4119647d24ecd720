import { changeConfig } from './change.ts';
import { setInText } from './edit.ts';

/**
 * Writes the entry under `variables` by which a name leads to a backend, where the backend looks for it by
 * its name: a path, field or version of the place before goes. All else of the file stays as it is, and the
 * file is on the disk when this resolves. Throws as `changeConfig` does.
 */
export async function leadVariable(file: string, name: string, backend: string): Promise<void> {
  await changeConfig(file, (text) => {
    const entry = ['variables', name];
    const led = setInText(text, [...entry, 'backend'], backend);
    return ['path', 'field', 'version'].reduce(
      (next, part) => setInText(next, [...entry, part], undefined),
      led,
    );
  });
}
