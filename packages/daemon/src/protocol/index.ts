export {
  BrokerError,
  combineErrors,
  exitCodes,
  toBrokerError,
  type ErrorCode,
  type ErrorShape,
} from '@mcp-broker/providers/errors';
export { secretBytes } from '@mcp-broker/providers/secret-bytes';
export { parseDuration } from '../config/duration.ts';
export { suggest } from '../config/suggest.ts';
export { Decoder, encode, maxFrame, type Frame } from './framing.ts';
export * from './approvals.ts';
export * from './backends.ts';
export * from './messages.ts';
export {
  formatReference,
  hasReference,
  isVariableName,
  parseTemplate,
  substitute,
  type Forms,
  type Reference,
  type Template,
} from '../reference.ts';
export { isInheritedSteering } from '../steering-names.ts';
