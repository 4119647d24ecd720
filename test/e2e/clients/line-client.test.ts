import { lineClient } from '../../kit/clients/line-client.ts';
import { provePairs } from './pairs.ts';

provePairs(lineClient('stdin'));
