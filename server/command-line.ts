/** Parses the command line. */
import { parseArgs } from 'node:util'
import { type Command, commands, options } from './command-data.ts'
import { commandIn, isOptionOf, listOf, unknownCommand, unknownOption } from './command-usage.ts'

/** Commands that take a file name. */
const withFile: readonly string[] = ['backup', 'restore', 'accounts export', 'accounts import']

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
    const { values, positionals, tokens } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options,
      tokens: true,
    })
    const named = withFile.find(known => `${positionals.join(' ')} `.startsWith(`${known} `))
    const isDiagnosis = positionals[0] === 'diagnose'
    const words = named ?? (isDiagnosis ? 'diagnose' : positionals.join(' ') || 'serve')
    const [file = '', ...others] = named ? positionals.slice(named.split(' ').length) : positionals.slice(1)
    const command = commands.find(known => known === words)
    if (named && (others.length > 0 || file.trim() === '')) {
      faults.push(`${words} requires one file name: rustymail ${words} <file>`)
    }
    if (!command) faults.push(unknownCommand(positionals))
    else {
      for (const name of new Set(tokens.flatMap(token => (token.kind === 'option' ? [token.name] : [])))) {
        if (!isOptionOf(command, name)) faults.push(unknownOption(`--${name}`, command))
      }
    }
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
    faults.push(faultOf(error, commandIn(argv)))
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

function faultOf(error: unknown, command: Command | undefined): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, option] = /^Unknown option '(-[^']*)'/.exec(message) ?? []
  if (option !== undefined) return unknownOption(option, command)
  // The second sentence advises on positional arguments, which does not apply.
  return `${message.split('. ', 1)[0] ?? message}; ${listOf(command)}`
}

export function withoutEmpty(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())),
  )
}
