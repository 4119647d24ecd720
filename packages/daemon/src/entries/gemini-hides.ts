/**
 * What Gemini keeps from its servers: all that looks like a secret by its name or its value
 * (packages/core/src/services/environmentSanitization.ts of gemini-cli).
 */
const always: ReadonlySet<string> = new Set(
  `PATH HOME LANG SHELL TMPDIR USER LOGNAME TEMP TMP COMSPEC PATHEXT SYSTEMDRIVE SYSTEMROOT USERPROFILE WINDIR
  ADDITIONAL_CONTEXT AVAILABLE_LABELS BRANCH_NAME DESCRIPTION EVENT_NAME GITHUB_ENV ISSUES_TO_TRIAGE ISSUE_BODY
  ISSUE_NUMBER ISSUE_TITLE IS_PULL_REQUEST PULL_REQUEST_NUMBER REPOSITORY TITLE TRIGGERING_ACTOR`.split(
    /\s+/,
  ),
);

const never: ReadonlySet<string> = new Set(
  `CLIENT_ID DB_URI CONNECTION_STRING AWS_DEFAULT_REGION AZURE_CLIENT_ID AZURE_TENANT_ID SLACK_WEBHOOK_URL
  TWILIO_ACCOUNT_SID DATABASE_URL GOOGLE_CLOUD_PROJECT GOOGLE_CLOUD_ACCOUNT FIREBASE_PROJECT_ID`.split(
    /\s+/,
  ),
);

const secretName = /TOKEN|SECRET|PASSWORD|PASSWD|KEY|AUTH|CREDENTIAL|CREDS|PRIVATE|CERT/;

const secretValues: readonly RegExp[] = [
  /-----BEGIN (?:(?:RSA|OPENSSH|EC|PGP) PRIVATE KEY|CERTIFICATE)-----/i,
  /(?:https?|ftp|smtp):\/\/[^:\s]{1,1024}:[^@\s]{1,1024}@/i,
  /(?:gh[opsur]|github_pat)_\w{36,}/i,
  /AIzaSy[\w\\-]{33}/i,
  /AKIA[A-Z0-9]{16}/i,
  /eyJ[\w-]*\.[\w-]*\.[\w-]*/i,
  /[rs]k_(?:live|test)_[0-9a-z]{24}/i,
  /xox[abpr]-[a-z0-9-]+/i,
];

export function isGeminiAllowed(name: string, value: string): boolean {
  const known = name.toUpperCase();
  if (always.has(known) || known.startsWith('GEMINI_CLI_')) return true;
  if (never.has(known) || secretName.test(known)) return false;
  return !secretValues.some((pattern) => pattern.test(value));
}
