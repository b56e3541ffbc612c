/** What was asked for on the command line. */
import { parseArgs } from 'node:util'
import { type Command, commands, options } from './command-data.ts'
import { commandIn, isOptionOf } from './command-usage.ts'

/** These take the name of a file. */
const withFile: readonly string[] = ['backup', 'restore', 'accounts export', 'accounts import']

export interface BackupArguments {
  /** Empty for other commands. */
  file: string
  withoutKey: boolean
  keyFrom: string | undefined
  force: boolean
}

/** For `diagnose`. */
export interface DiagnosisArguments {
  /** Empty for other commands. */
  address: string
  imap: string | undefined
  imapTls: string | undefined
  smtp: string | undefined
  smtpTls: string | undefined
  /** The login, where that is not the address. */
  user: string | undefined
  /** A password that was refused is tried again. */
  retryLogin: boolean
  /** For strangers: names and addresses are replaced. */
  isReport: boolean
}

/** For `mcp`. */
export interface McpArguments {
  /** Of a running server. */
  url: string | undefined
  preset: string | undefined
  /** In which form results are wanted. */
  results: string | undefined
  /** Mail is announced to Claude Code. */
  isChannel: boolean
}

/** For `webhook listen`. */
export interface WebhookArguments {
  /** Names with commas between them; all unless given. */
  types: string | undefined
  /** Of a program that gets what is printed. */
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
  /** For `user create-admin`. */
  email: string | undefined
  name: string | undefined
  /** For `backup` and `restore`. */
  backup: BackupArguments
  diagnosis: DiagnosisArguments
  mcp: McpArguments
  webhook: WebhookArguments
  /** Flags that stand for a variable. */
  environment: Record<string, string>
}

/** Adds to the faults what cannot be understood. */
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
    if (!command) faults.push(`${words}: unknown command; try ${commands.join(', ')}`)
    else {
      for (const name of new Set(tokens.flatMap(token => (token.kind === 'option' ? [token.name] : [])))) {
        if (!isOptionOf(command, name)) faults.push(`--${name} is not an option of ${command}; ${listOf(argv)}`)
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
      // Of more words than one, none is the address.
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
    faults.push(`${wordsOf(error)}; ${listOf(argv)}`)
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

/** Says which command lists the options, of the command that was meant if it is known. */
function listOf(argv: readonly string[]): string {
  const command = commandIn(argv)
  return `rustymail ${command === undefined ? '' : `${command} `}--help lists what there is`
}

/** The advice of `parseArgs`, in its second sentence, is for positional arguments, which are not what was meant. */
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('. ', 1)[0] ?? message
}

export function withoutEmpty(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => Boolean(entry[1]?.trim())),
  )
}
