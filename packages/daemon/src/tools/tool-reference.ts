/** What stands in a grant for the commands of a backend; no reference reads like it. */
export function toolReference(backend: string): string {
  return `backend:${backend}`;
}
