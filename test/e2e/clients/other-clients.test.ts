import { inspector } from '../../kit/clients/inspector.ts';
import { lineClient } from '../../kit/clients/line-client.ts';
import { sdkPython } from '../../kit/clients/sdk-python.ts';
import { python } from '../../services/python.ts';
import { provePairs } from './pairs.ts';

provePairs([
  { client: 'the client of the Python SDK', real: sdkPython, needs: [python] },
  { client: 'the Inspector', real: inspector },
  { client: 'a client that closes stdin', real: lineClient('stdin') },
  { client: 'a client that sends SIGTERM', real: lineClient('SIGTERM') },
]);
