import { describe, expect, test } from 'vitest';
import { plaintextIn, type Plaintext } from './plaintext.ts';
import type { ClientServer } from './read.ts';

/** Of the form of a real one, and none. */
const random = 'q7Vd0ZkX2mTb9LwR4sHn6YcJ1gPe8UaF3iKo';

function found(texts: readonly (readonly [keys: string, text: string])[]): readonly Plaintext[] {
  const server: ClientServer = {
    name: 'one',
    command: [],
    env: {},
    disabled: false,
    texts: texts.map(([keys, text]) => ({ keys: keys.split('.'), text, line: undefined })),
  };
  return plaintextIn(server);
}

describe('a token is known by what its issuer put in front', () => {
  test.each([
    ['GitHub', `ghp_${random}`],
    ['GitHub', `github_pat_${random}`],
    ['GitLab', `glpat-${random}`],
    ['Slack', `xoxb-17653672481-${random}`],
    ['Anthropic', `sk-ant-api03-${random}`],
    ['OpenAI', `sk-proj-${random}`],
    ['Google', `AIza${random.slice(0, 35)}`],
    ['Stripe', `sk_live_${random}`],
    ['npm', `npm_${random}`],
    ['Hugging Face', `hf_${random}`],
    ['Notion', `ntn_${random}`],
    ['Linear', `lin_api_${random}`],
    ['Figma', `figd_${random}`],
    ['Tavily', `tvly-${random}`],
    ['Vault', `hvs.${random}`],
    ['Telegram', `7305918264:AA${random.slice(0, 33)}`],
    ['a key file', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk'],
    ['a signed token', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.${random}`],
    ['a login in an address', 'postgres://app:hunter22@db.internal/orders'],
  ])('%s', (issuer, text) => {
    expect(found([['env.WHATEVER', text]])).toEqual([
      { keys: ['env', 'WHATEVER'], name: 'WHATEVER', line: undefined, issuer },
    ]);
  });

  test.each([
    ['in an argument', [['args.0', `--key=ghp_${random}`]], 'key'],
    [
      'in the argument after an option',
      [
        ['args.0', '--token'],
        ['args.1', `ghp_${random}`],
      ],
      'token',
    ],
    [
      'in a header of an argument',
      [['args.0', `Authorization: Bearer ghp_${random}`]],
      'Authorization',
    ],
    ['in a variable of an argument', [['args.0', `TOKEN=ghp_${random}`]], 'TOKEN'],
    ['in an address', [['url', `https://x/mcp?key=ghp_${random}`]], 'url'],
  ] as const)('%s', (_, texts, name) => {
    expect(found(texts).map((one) => [one.name, one.issuer])).toEqual([[name, 'GitHub']]);
  });
});

describe('a token is found wherever a text has it, and its name is told without it', () => {
  test.each([
    ['in JSON', 'env.OPENAPI_MCP_HEADERS', `{"Authorization": "Bearer ntn_${random}"}`, 'Notion'],
    ['as a default', 'env.GITHUB_TOKEN', `\${GITHUB_TOKEN:-ghp_${random}}`, 'GitHub'],
    ['as a default of ours', 'env.GITHUB_TOKEN', `$<GITHUB_TOKEN:-ghp_${random}>`, 'GitHub'],
    ['before a sign', 'args.0', `ghp_${random}=GITHUB_TOKEN`, 'GitHub'],
    ['with the end of Base64', 'args.0', `ghp_${random}==`, 'GitHub'],
  ])('%s', (_, keys, text, issuer) => {
    const [one, ...others] = found([[keys, text]]);
    expect(others).toEqual([]);
    expect(one?.issuer).toBe(issuer);
    expect(one?.name).not.toContain(random);
  });

  test.each([
    ['in JSON', 'args.0', `{"exaApiKey":"${random}"}`, 'exaApiKey'],
    ['in JSON of headers', 'env.HEADERS', `{"X-Api-Key": "${random}"}`, 'X-Api-Key'],
    ['in a query', 'url', `https://mcp.srv.io/mcp?a=b&api_key=${random}`, 'api_key'],
    ['in a query of one', 'url', `https://mcp.srv.io/mcp?token=${random}`, 'token'],
    ['in a header without a space', 'args.0', `Authorization:Bearer ${random}`, 'Authorization'],
    ['in a header of an option', 'args.0', `--header=X-Api-Key: ${random}`, 'X-Api-Key'],
    ['in a variable of an option', 'args.0', `--env=MY_TOKEN=${random}`, 'MY_TOKEN'],
    ['in a connection string', 'env.AZURE', `AccountName=me;AccountKey=${random}==;`, 'AccountKey'],
    ['as a bearer', 'env.AUTH_HEADER', `Bearer ${random}`, 'AUTH_HEADER'],
  ])('%s: %s', (_, keys, text, name) => {
    expect(found([[keys, text]])).toMatchObject([{ name, issuer: undefined }]);
  });

  test('after an option, with the end of Base64', () => {
    const texts = [
      ['args.0', '--token'],
      ['args.1', `${random}==`],
    ] as const;
    expect(found(texts)).toMatchObject([{ keys: ['args', '1'], name: 'token' }]);
  });
});

describe('a secret without a mark is known by its name and a value that nobody would type', () => {
  test.each([
    ['env.API_KEY', random],
    ['env.GITHUB_TOKEN', '9f86d081884c7d659a2feaa0c55ad015'],
    ['headers.Authorization', `Bearer ${random}`],
    ['headers.X-Api-Key', random],
    ['env.apiKey', random],
    ['env.AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYzQb0ab1c2d'],
    ['env.DB_PASSWORD', 'hunter22'],
    ['apiKey', random],
  ])('%s', (keys, text) => {
    expect(found([[keys, text]])).toMatchObject([{ issuer: undefined }]);
  });
});

test('a text that is made to be searched for ever is not, whatever its length', () => {
  const hostile = ['eyJ-', 'a-', 'sk-', '${a:-', '$<', '{{'].map((part) => part.repeat(1_000_000));
  expect(found(hostile.map((text) => ['env.WHATEVER', text]))).toEqual([]);
});

describe('no alarm', () => {
  test.each([
    ['a reference', 'env.API_KEY', '$<API_KEY>'],
    ['a reference in a text', 'headers.Authorization', 'Bearer $<API_KEY>'],
    ['a variable of the client', 'env.API_KEY', '${env:API_KEY}'],
    ['a question of the client', 'env.API_KEY', '${input:api-key}'],
    ['a variable with a default', 'env.API_KEY', '${API_KEY:-}'],
    ['a secret of Continue', 'env.API_KEY', '${{ secrets.API_KEY }}'],
    ['a variable of OpenCode', 'env.API_KEY', '{env:API_KEY}'],
    ['what is to be filled in', 'env.API_KEY', 'YOUR_API_KEY_GOES_IN_1234'],
    ['what is to be filled in', 'env.API_KEY', '<your-api-key-0123456>'],
    ['the token of a tutorial', 'env.GITHUB_TOKEN', 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
    ['the key of a tutorial', 'env.OPENAI_API_KEY', 'sk-...'],
    ['the example of AWS', 'env.AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    [
      'the address of a tutorial',
      'env.DATABASE_URI',
      'postgresql://user:password@localhost:5432/db',
    ],
    ['nothing', 'env.API_KEY', ''],
    ['a path', 'env.SSH_KEY', '/home/me/.ssh/id_ed25519'],
    ['a path', 'env.GOOGLE_CREDENTIALS', '~/.config/gcloud/credentials.json'],
    ['an address without a login', 'env.AUTH_TOKEN', 'https://login.example.org/realms/one/token9'],
    ['a number', 'env.MAX_TOKEN', '4096'],
    ['how many', 'env.MAX_TOKENS', '4096000000000001'],
    ['a switch', 'env.USE_TOKEN', 'true'],
    ['a name', 'env.PRIMARY_KEY', 'customer_id_2024_new'],
    ['words', 'env.SORT_KEY', 'creation-time-of-order'],
    ['a public key', 'env.STRIPE_PUBLIC_KEY', random],
    ['a commit', 'env.GIT_COMMIT', '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'],
    ['a uuid of something', 'env.WORKSPACE_ID', '7b0c9f5e-58a6-4be6-9d52-5f0d3c6d7a11'],
    ['a package', 'args.0', '@modelcontextprotocol/server-github@2025.4.8'],
    ['an option', 'args.0', '--token-file=/run/secrets/token'],
    ['an image', 'args.0', 'ghcr.io/github/github-mcp-server:v0.9.1'],
    ['a sentence', 'description', 'Give it the token of your account 1234'],
    [
      'headers of a client',
      'env.HEADERS',
      '{"Authorization": "Bearer ${TOKEN}", "Notion-Version": "2022-06-28"}',
    ],
    ['a header of a variable', 'args.0', 'Authorization:${AUTH_HEADER}'],
    ['a header with a reference', 'env.AUTH_HEADER', 'Bearer $<MY_TOKEN>'],
    ['a sentence', 'description', 'Bearer authentication: the password: required-for-login'],
    ['a login of references', 'env.DB', 'postgres://${USER}:${PASS_OF_DB}@db.internal/orders'],
    ['a digest', 'args.0', 'ghcr.io/x/y@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'],
    ['a public key of a query', 'url', `https://x.io/mcp?public_key=${random}`],
    ['an address with a port', 'url', 'http://localhost:8080/mcp@1'],
  ])('%s: %s', (_, keys, text) => {
    expect(found([[keys, text]])).toEqual([]);
  });
});
