import { toJSONSchema } from 'zod/mini';
import { schema } from './schema.ts';

/** The part of a JSON Schema that zod writes for config.yaml. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly oneOf?: readonly SchemaNode[];
  readonly anyOf?: readonly SchemaNode[];
}

/** The JSON Schema of config.yaml, for editors. */
export function configJsonSchema(): object {
  return { title: 'config.yaml of MCP Broker', ...toJSONSchema(schema, { io: 'input' }) };
}
