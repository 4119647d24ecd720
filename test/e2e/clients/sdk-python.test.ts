import { sdkPython } from '../../kit/clients/sdk-python.ts';
import { python } from '../../services/python.ts';
import { provePairs } from './pairs.ts';

provePairs(sdkPython, [python]);
