import { toJSONSchema } from 'zod/mini';
import { schema } from './schema.ts';

/** The JSON Schema of config.yaml, for editors. */
export function configJsonSchema(): object {
  return { title: 'config.yaml of MCP Broker', ...toJSONSchema(schema, { io: 'input' }) };
}
