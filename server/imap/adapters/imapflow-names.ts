/** Names of folders as they go over the wire, and what ImapFlow's types do not show of it. Servers stumble over bare words that RFCs allow. */
import type { ImapFlow } from 'imapflow'

/** What every command of ImapFlow goes through, and what it keeps. */
export type Inside = Omit<ImapFlow, 'namespace' | 'namespaces'> & {
  exec(command: string, attributes: unknown, options?: object): Promise<{ next(): void; response: object }>
  run(command: string, ...args: unknown[]): Promise<unknown>
  /** One line more; CRLF is added. */
  write(line: Buffer): void
  /** As they were listed last. */
  folders: Map<string, { flags: Set<string> }>
  namespace?: Namespace | undefined
  namespaces?: { personal?: Namespace[]; other?: Namespace[] | false; shared?: Namespace[] | false } | undefined
}

interface Namespace {
  prefix: string
  delimiter: string | null
}

/** What ImapFlow's parser makes of `* LSUB (flags) "." name`. */
interface Subscribed {
  attributes?: ({ value?: unknown }[] | { value?: unknown } | null)[]
}

interface LsubOptions {
  untagged?: { LSUB?: (said: Subscribed) => Promise<void> }
}

/** Their first word is the name of a folder. */
const namingCommands = new Set(['SELECT', 'EXAMINE', 'STATUS'])

/**
 * Quotes names of folders, since Courier knows none that begins with a bare `~`, and the word NIL, which servers take for nothing at all.
 * @param client What means nothing to it is `null` there: an atom is always somebody's word.
 */
export function quoteWords(client: ImapFlow): void {
  const inside = client as unknown as Inside
  const exec = inside.exec.bind(client)
  inside.exec = (command, attributes, options) => {
    const words = quotedNil(attributes)
    if (!namingCommands.has(command) || !Array.isArray(words)) return exec(command, words, options)
    const [name, ...others] = words
    return exec(command, [isWord(name) ? { ...name, type: 'STRING' } : name, ...others], options)
  }
}

/**
 * Folders are called by their whole paths. ImapFlow would put the personal prefix (`INBOX.`) before every path, and those of other
 * namespaces could not be opened.
 */
export function takeWholePaths(client: ImapFlow): void {
  const inside = client as unknown as Inside
  inside.namespace = { prefix: '', delimiter: inside.namespace?.delimiter ?? null }
}

/** What stands before the paths of one's own folders, but INBOX: `INBOX.` on some servers, mostly nothing. */
export function personalPrefix(client: ImapFlow): string {
  return (client as unknown as Inside).namespaces?.personal?.[0]?.prefix ?? ''
}

/** ImapFlow's own question for counts, one folder after the other, holds up the list for as long as they take. */
export function listWithoutStatus(client: ImapFlow): void {
  const inside = client as unknown as Inside
  const run = inside.run.bind(client)
  inside.run = (command, ...args) => (command === 'STATUS' ? Promise.resolve(undefined) : run(command, ...args))
}

/**
 * What LSUB says of a folder goes for LIST no less with ImapFlow. `\\Noselect` says there that only folders in it are subscribed to
 * (RFC 3501, section 6.3.9); Courier says so of INBOX as soon as a folder in it is, and INBOX could not be opened any more.
 */
export function readSubscriptions(client: ImapFlow): void {
  const inside = client as unknown as Inside
  const exec = inside.exec.bind(client)
  inside.exec = (command, attributes, options) => {
    const note = command === 'LSUB' ? (options as LsubOptions | undefined)?.untagged?.LSUB : undefined
    if (!note) return exec(command, attributes, options)
    const LSUB = async (said: Subscribed) => {
      const [flags, ...name] = said.attributes ?? []
      const words = (Array.isArray(flags) ? flags : []).map(flag => String(flag?.value).toLowerCase())
      if (!words.includes('\\noselect')) await note({ ...said, attributes: [[], ...name] })
    }
    return exec(command, attributes, { ...options, untagged: { LSUB } })
  }
}

/** As the server writes it: in modified UTF-7 (RFC 3501, section 5.1.3), or as it is where UTF-8 was agreed on. */
export function wireName(client: ImapFlow, path: string): string {
  const { enabled, capabilities } = client
  const isRev2 = enabled.has('IMAP4REV2') || (capabilities.has('IMAP4rev2') && !capabilities.has('IMAP4rev1'))
  if (isRev2 || enabled.has('UTF8=ACCEPT')) return path
  return path.replaceAll(/&|[^\x20-\x7e]+/g, run => {
    if (run === '&') return '&-'
    const utf16 = Buffer.from(run, 'utf16le').swap16().toString('base64')
    return `&${utf16.replaceAll('/', ',').replaceAll('=', '')}-`
  })
}

export function quoted(name: string): string {
  return `"${name.replaceAll(/["\\]/g, '\\$&')}"`
}

function quotedNil(attribute: unknown): unknown {
  if (Array.isArray(attribute)) return attribute.map(quotedNil)
  if (!isWord(attribute)) return attribute
  const isNil = typeof attribute.value === 'string' && attribute.value.toUpperCase() === 'NIL'
  return isNil && attribute.type === 'ATOM' ? { ...attribute, type: 'STRING' } : attribute
}

function isWord(attribute: unknown): attribute is { type: unknown; value: unknown } {
  return typeof attribute === 'object' && attribute !== null && 'type' in attribute && 'value' in attribute
}
