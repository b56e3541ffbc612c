/** The commands of `rustymail` and their options as data: what is parsed, and what the usage texts are made of. */

export interface OptionData {
  type: 'boolean' | 'string'
  default?: boolean
  /** What stands for its value in usage texts; an option without one is a switch. */
  value?: string
}

/** All options, as `parseArgs` takes them. */
export const options = {
  demo: { type: 'boolean', default: false },
  host: { type: 'string', value: '<address>' },
  port: { type: 'string', value: '<number>' },
  'data-dir': { type: 'string', value: '<path>' },
  email: { type: 'string', value: '<email>' },
  name: { type: 'string', value: '<name>' },
  'without-key': { type: 'boolean', default: false },
  'key-from': { type: 'string', value: '<file>' },
  force: { type: 'boolean', default: false },
  imap: { type: 'string', value: '<host>:<port>' },
  'imap-tls': { type: 'string', value: '<kind>' },
  smtp: { type: 'string', value: '<host>:<port>' },
  'smtp-tls': { type: 'string', value: '<kind>' },
  user: { type: 'string', value: '<name>' },
  'retry-login': { type: 'boolean', default: false },
  report: { type: 'boolean', default: false },
  url: { type: 'string', value: '<address>' },
  preset: { type: 'string', value: '<name>' },
  results: { type: 'string', value: '<form>' },
  channel: { type: 'boolean', default: false },
  types: { type: 'string', value: '<names>' },
  forward: { type: 'string', value: '<address>' },
} as const satisfies Record<string, OptionData>
export type OptionName = keyof typeof options

export interface CommandData {
  /** What follows the command, one line for each form of it. */
  forms: readonly string[]
  /** What it does, after its name in the list of all. */
  summary: string
  /** What each of its options does, with its default. */
  options: Partial<Record<OptionName, string>>
  /** What else has to be known to use it. */
  notes?: readonly string[]
  examples: readonly string[]
}

const dataDir = { 'data-dir': 'the data directory (default: RUSTYMAIL_DATA_DIR, or ./data)' }
const listening = {
  host: 'the address to listen on (default: RUSTYMAIL_HOST, or 127.0.0.1)',
  port: 'the port to listen on, 0 for a free one (default: RUSTYMAIL_PORT, or 9437)',
}
const stopped = 'The server must not be running.'
const beside = 'The server may be running.'
const token = 'The token comes from RUSTYMAIL_TOKEN, which keeps it out of the list of processes.'

/** All commands, in the order in which they are listed. */
export const commandData = {
  serve: {
    forms: ['[options]'],
    summary: 'runs the server; the default without a command',
    options: { demo: 'starts the sandbox too, with an account connected (default: off)', ...listening, ...dataDir },
    notes: ['Every setting can be given in the environment; .env.example lists them.'],
    examples: ['rustymail serve --port 8080 --data-dir /var/lib/rustymail'],
  },
  'user create-admin': {
    forms: ['[--email <email>] [--name <name>]'],
    summary: 'creates an administrator; asks for the password, or reads it from stdin',
    options: {
      email: 'the e-mail address to sign in with (default: asks)',
      name: 'the name that the page shows (default: asks)',
      ...dataDir,
    },
    notes: [stopped],
    examples: ['rustymail user create-admin --email ann@example.org --name Ann'],
  },
  'audit verify': {
    forms: [''],
    summary: 'finds changed, missing or reordered entries of the audit trail',
    options: dataDir,
    notes: [`${beside} Exits with 1 if the trail is not intact.`],
    examples: ['rustymail audit verify'],
  },
  'audit accept': {
    forms: [''],
    summary: 'accepts the audit trail as it is, after a restored backup',
    options: dataDir,
    notes: [stopped],
    examples: ['rustymail audit accept'],
  },
  'key rotate': {
    forms: [''],
    summary: 're-encrypts all secrets with a new key',
    options: dataDir,
    notes: [`${stopped} RUSTYMAIL_NEW_SECRET_KEY sets the new key (default: a random one).`],
    examples: ['rustymail key rotate'],
  },
  backup: {
    forms: ['<file> [--without-key] [--force]'],
    summary: 'writes database, secret key and audit.head to one file',
    options: {
      'without-key': 'leaves the secret key out (default: it is in the file)',
      force: 'replaces an existing file (default: keeps it, and fails)',
      ...dataDir,
    },
    notes: [`${beside} For PostgreSQL use pg_dump; see docs/running.md.`],
    examples: ['rustymail backup /backups/rustymail.db'],
  },
  restore: {
    forms: ['<file> [--key-from <file>] [--force]'],
    summary: 'restores a backup into the data directory',
    options: {
      'key-from': 'the file with the secret key (default: the key in the backup, or RUSTYMAIL_SECRET_KEY)',
      force: 'keeps existing data under other names (default: existing data fails the restore)',
      ...dataDir,
    },
    notes: [stopped],
    examples: ['rustymail restore /backups/rustymail.db'],
  },
  diagnose: {
    forms: [
      '<address> [--retry-login] [--report]',
      '<address> --imap <host>[:<port>] [--smtp <host>[:<port>]] [--user <name>]',
    ],
    summary: 'explains why an account does not work',
    options: {
      'retry-login': 'tries a rejected password once more (default: off)',
      report: 'prints an anonymized report for a public bug tracker (default: off)',
      imap: 'the IMAP server of an account that is not connected; asks for the password (default port: 993)',
      'imap-tls': 'implicit, starttls or none (default: by the port)',
      smtp: 'its SMTP server (default: not checked; default port: 465)',
      'smtp-tls': 'implicit, starttls or none (default: by the port)',
      user: 'its login (default: the address)',
      ...dataDir,
    },
    notes: [`${beside} Exits with 1 if a check fails, and with 2 if the command was misused.`],
    examples: [
      'rustymail diagnose ann@example.org',
      'rustymail diagnose ann@example.org --imap imap.example.org:993 --smtp smtp.example.org:587',
    ],
  },
  'accounts export': {
    forms: ['<file> [--force]'],
    summary: 'writes all accounts to a file, sealed with a passphrase',
    options: { force: 'replaces an existing file (default: keeps it, and fails)', ...dataDir },
    notes: [`${stopped} Asks for the passphrase, or reads it from stdin.`],
    examples: ['rustymail accounts export accounts.json'],
  },
  'accounts import': {
    forms: ['<file>'],
    summary: 'creates the accounts of such a file',
    options: dataDir,
    notes: [`${stopped} Asks for the passphrase, or reads it from stdin.`],
    examples: ['rustymail accounts import accounts.json'],
  },
  mcp: {
    forms: ['[--preset <name>] [--results <form>] [--channel]', '--url <address> [--results <form>] [--channel]'],
    summary: 'speaks MCP on stdin and stdout: starts a server, or uses a running one (--url)',
    options: {
      url: 'the address of a running server (default: starts one on the data directory)',
      preset: 'reader, organizer or drafter: what the agent may do without a token (default: drafter)',
      results: 'both, structured or text: the form of tool results (default: as the client needs)',
      channel: 'announces new mail to Claude Code, and passes its permission prompts on (default: off)',
      ...listening,
      ...dataDir,
    },
    notes: [token, '--url requires one. --preset, --host, --port and --data-dir are for a server that is started.'],
    examples: ['rustymail mcp --preset reader', 'RUSTYMAIL_TOKEN=rm_… rustymail mcp --url https://mail.example.com'],
  },
  'webhook listen': {
    forms: ['[--url <address>] [--types <names>] [--forward <address>]'],
    summary: 'prints events as webhooks send them, and passes them on to a program',
    options: {
      url: 'the address of the running server (default: http://127.0.0.1:9437)',
      types: 'the types of events, with commas between them (default: all that the token may read)',
      forward: 'the program to send each event to, signed (default: prints them only)',
    },
    notes: [
      token,
      'RUSTYMAIL_WEBHOOK_SECRET sets the secret of the signatures (default: a random one, which it prints).',
    ],
    examples: [
      'RUSTYMAIL_TOKEN=rm_… rustymail webhook listen --types mail_received --forward http://127.0.0.1:3000/hook',
    ],
  },
} as const satisfies Record<string, CommandData>

export type Command = keyof typeof commandData
export const commands = Object.keys(commandData) as Command[]
