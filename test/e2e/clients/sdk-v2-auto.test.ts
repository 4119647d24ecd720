import { sdkV2 } from '../../kit/clients/sdk-v2.ts';
import { provePairs } from './pairs.ts';

provePairs(sdkV2('auto'));
