import { sdkV1 } from '../../kit/clients/sdk-v1.ts';
import { sdkV2 } from '../../kit/clients/sdk-v2.ts';
import { provePairs } from './pairs.ts';

provePairs([
  { client: 'the official client', real: sdkV2('legacy') },
  { client: 'the official client, which probes', real: sdkV2('auto') },
  { client: 'the official client of before', real: sdkV1 },
]);
