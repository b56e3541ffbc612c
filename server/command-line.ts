/** Parses the command line. */
import { parseArgs } from 'node:util'

const commands = [
  'serve',
  'user create-admin',
  'audit verify',
  'audit accept',
  'key rotate',
  'backup',
  'restore',
  'diagnose',
  'accounts export',
  'accounts import',
  'mcp',
  'webhook listen',
] as const
/** Commands that take a file name. */
const withFile: readonly string[] = ['backup', 'restore', 'accounts export', 'accounts import']
export type Command = (typeof commands)[number]

export const usage = `Usage: rustymail <command> [options]          without a command: serve
  serve [--demo] [--host <address>] [--port <number>]   runs the server; --demo also starts the sandbox, connected
  user create-admin --email <email> --name <name>       creates an administrator; asks for the password, or reads stdin
  audit verify                                          finds changed, missing or reordered entries of the audit trail
  audit accept                                          accepts the audit trail as it is, after a restored backup
  key rotate                                            re-encrypts all secrets with a new key
  backup <file> [--without-key] [--force]               writes database, key and audit.head to a file; the server may run
  restore <file> [--key-from <file>] [--force]          restores a backup; --force keeps existing files under another name
  diagnose <address> [--retry-login] [--report]         explains why an account does not work; the server may run
  diagnose <address> --imap <host>:<port> [--smtp <host>:<port>] [--user <name>]
                     [--imap-tls implicit|starttls|none] [--smtp-tls …]
                                                        the same for an account that is not connected; asks for the password
  accounts export <file> [--force]                      writes all accounts to a file, sealed with a passphrase
  accounts import <file>                                creates the accounts of such a file
  mcp [--preset reader|organizer|drafter] [--channel]   starts a server and speaks MCP on stdin and stdout
  mcp --url <address> [--channel]                       the same for a running server, with its token in RUSTYMAIL_TOKEN
  webhook listen [--url <address>] [--types <names>] [--forward <address>]
                                                        prints events as webhooks send them; token in RUSTYMAIL_TOKEN

  --data-dir <path>  the data directory (default: ./data); --version prints the version
  --report           an anonymized report for a public bug tracker; --retry-login tries a rejected password once more
Every setting can be given in the environment; .env.example lists them.`

export interface BackupArguments {
  /** The path of the backup file; empty for other commands. */
  file: string
  withoutKey: boolean
  keyFrom: string | undefined
  force: boolean
}

/** Arguments of `diagnose`. */
export interface DiagnosisArguments {
  /** The e-mail address to diagnose; empty for other commands. */
  address: string
  imap: string | undefined
  imapTls: string | undefined
  smtp: string | undefined
  smtpTls: string | undefined
  /** The login name, if it is not the address. */
  user: string | undefined
  /** Retries a password that the server refused before. */
  retryLogin: boolean
  /** Prints a report to share with strangers: names and addresses are replaced. */
  isReport: boolean
}

/** Arguments of `mcp`. */
export interface McpArguments {
  /** The URL of a running server. */
  url: string | undefined
  preset: string | undefined
  /** The form in which results are wanted. */
  results: string | undefined
  /** Announces new mail to Claude Code. */
  isChannel: boolean
}

/** Arguments of `webhook listen`. */
export interface WebhookArguments {
  /** Comma-separated event types; undefined means all. */
  types: string | undefined
  /** The URL of a program that receives each printed event. */
  forward: string | undefined
}

/** Thrown when the command line cannot be understood. */
export class UsageError extends Error {}

const noDiagnosis: DiagnosisArguments = {
  address: '',
  imap: undefined,
  imapTls: undefined,
  smtp: undefined,
  smtpTls: undefined,
  user: undefined,
  retryLogin: false,
  isReport: false,
}
const noMcp: McpArguments = { url: undefined, preset: undefined, results: undefined, isChannel: false }
const noWebhook: WebhookArguments = { types: undefined, forward: undefined }
const noBackup: BackupArguments = { file: '', withoutKey: false, keyFrom: undefined, force: false }

export interface CommandLine {
  command: Command
  demo: boolean
  /** The e-mail address for `user create-admin`. */
  email: string | undefined
  name: string | undefined
  /** Arguments of `backup` and `restore`. */
  backup: BackupArguments
  diagnosis: DiagnosisArguments
  mcp: McpArguments
  webhook: WebhookArguments
  /** Variables of the environment that were set by flags. */
  environment: Record<string, string>
}

/** Parses the arguments, and adds a fault for everything that cannot be understood. */
export function parseCommandLine(argv: readonly string[], faults: string[]): CommandLine {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        demo: { type: 'boolean', default: false },
        host: { type: 'string' },
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        email: { type: 'string' },
        name: { type: 'string' },
        'without-key': { type: 'boolean', default: false },
        'key-from': { type: 'string' },
        force: { type: 'boolean', default: false },
        imap: { type: 'string' },
        'imap-tls': { type: 'string' },
        smtp: { type: 'string' },
        'smtp-tls': { type: 'string' },
        user: { type: 'string' },
        'retry-login': { type: 'boolean', default: false },
        report: { type: 'boolean', default: false },
        url: { type: 'string' },
        preset: { type: 'string' },
        results: { type: 'string' },
        channel: { type: 'boolean', default: false },
        types: { type: 'string' },
        forward: { type: 'string' },
      },
    })
    const named = withFile.find(known => `${positionals.join(' ')} `.startsWith(`${known} `))
    const isDiagnosis = positionals[0] === 'diagnose'
    const words = named ?? (isDiagnosis ? 'diagnose' : positionals.join(' ') || 'serve')
    const [file = '', ...others] = named ? positionals.slice(named.split(' ').length) : positionals.slice(1)
    const command = commands.find(known => known === words)
    if (named && (others.length > 0 || file.trim() === '')) {
      faults.push(`${words} requires one file name: rustymail ${words} <file>`)
    }
    if (!command) faults.push(`${words}: unknown command; try ${commands.join(', ')}`)
    const environment = withoutEmpty({
      RUSTYMAIL_HOST: values.host,
      RUSTYMAIL_PORT: values.port,
      RUSTYMAIL_DATA_DIR: values['data-dir'],
    })
    const { demo, email, name, force } = values
    const backup = { file, force, withoutKey: values['without-key'], keyFrom: values['key-from'] }
    const diagnosis = {
      // With more than one positional argument it is unclear which is the address.
      address: isDiagnosis && positionals.length === 2 ? file.trim() : '',
      imap: values.imap,
      imapTls: values['imap-tls'],
      smtp: values.smtp,
      smtpTls: values['smtp-tls'],
      user: values.user,
      retryLogin: values['retry-login'],
      isReport: values.report,
    }
    const { url, preset, results, channel: isChannel } = values
    const mcp = { url, preset, results, isChannel }
    const webhook = { types: values.types, forward: values.forward }
    return { command: command ?? 'serve', demo, email, name, backup, diagnosis, mcp, webhook, environment }
  } catch (error) {
    faults.push(`${wordsOf(error)}; rustymail --help lists all commands`)
    const nothing = {
      email: undefined,
      name: undefined,
      backup: noBackup,
      diagnosis: noDiagnosis,
      mcp: noMcp,
      webhook: noWebhook,
      environment: {},
    }
    return { command: 'serve', demo: false, ...nothing }
  }
}

/** Returns only the first sentence of an error; the second advises on positional arguments, which does not apply. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('. ', 1)[0] ?? message
}

export function withoutEmpty(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())),
  )
}
