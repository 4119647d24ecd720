import type { Trail } from './trail.ts';

/** Reads the arguments of a program that runs another one, and follows what they name. */
export type Interpreter = (trail: Trail, args: readonly string[], name: string) => Promise<void>;

const interpreters: ReadonlyMap<string, Interpreter> = new Map<string, Interpreter>();

/** What is known of a command of this name. */
export function findInterpreter(name: string): Interpreter | undefined {
  return interpreters.get(name);
}
