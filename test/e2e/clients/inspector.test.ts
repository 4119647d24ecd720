import { inspector } from '../../kit/clients/inspector.ts';
import { provePairs } from './pairs.ts';

provePairs(inspector);
