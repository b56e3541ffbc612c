/** What was asked for on the command line. */
import { parseArgs } from 'node:util'

const commands = [
  'serve',
  'user create-admin',
  'audit verify',
  'audit accept',
  'key rotate',
  'backup',
  'restore',
  'accounts export',
  'accounts import',
] as const
/** These take the name of a file. */
const withFile: readonly string[] = ['backup', 'restore', 'accounts export', 'accounts import']
export type Command = (typeof commands)[number]

export const usage = `Usage: rustymail serve [--demo] [--host <address>] [--port <number>]
       rustymail user create-admin --email <email> --name <name>   asks for the password, or reads it from stdin
       rustymail audit verify                                      finds changed, missing or reordered entries
       rustymail audit accept                                      accepts the trail as it is, after a restored backup
       rustymail key rotate                                        re-encrypts all secrets with a new key
       rustymail backup <file> [--without-key] [--force]           database, key and trail in one file; the server may run
       rustymail restore <file> [--key-from <file>] [--force]      into an empty data directory; --force keeps what is there
       rustymail accounts export <file> [--force]                  servers, logins and settings, sealed with a passphrase
       rustymail accounts import <file>                            creates the accounts of such a file

  --demo             also start the sandbox mail server, with its account connected
  --data-dir <path>  the data directory
  --version          prints the version
Every setting can be given in the environment; .env.example lists them.`

export interface BackupArguments {
  /** Empty for other commands. */
  file: string
  withoutKey: boolean
  keyFrom: string | undefined
  force: boolean
}

const noBackup: BackupArguments = { file: '', withoutKey: false, keyFrom: undefined, force: false }

export interface CommandLine {
  command: Command
  demo: boolean
  /** For `user create-admin`. */
  email: string | undefined
  name: string | undefined
  /** For `backup` and `restore`. */
  backup: BackupArguments
  /** Flags that stand for a variable. */
  environment: Record<string, string>
}

/** Adds to the faults what cannot be understood. */
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
      },
    })
    const named = withFile.find(known => `${positionals.join(' ')} `.startsWith(`${known} `))
    const words = named ?? (positionals.join(' ') || 'serve')
    const [file = '', ...others] = named ? positionals.slice(named.split(' ').length) : []
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
    return { command: command ?? 'serve', demo, email, name, backup, environment }
  } catch (error) {
    faults.push(`${wordsOf(error)}; rustymail --help lists what there is`)
    return { command: 'serve', demo: false, email: undefined, name: undefined, backup: noBackup, environment: {} }
  }
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
