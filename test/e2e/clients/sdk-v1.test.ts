import { sdkV1 } from '../../kit/clients/sdk-v1.ts';
import { provePairs } from './pairs.ts';

provePairs(sdkV1);
