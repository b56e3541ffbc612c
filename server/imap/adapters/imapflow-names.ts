/**
 * Wire names of folders, and the internals of ImapFlow that its types do not declare. Quotes atoms that servers
 * misparse.
 */
import type { ImapFlow, ListResponse } from 'imapflow'
import { lowerAscii } from '../../../contract/ascii-case.ts'

/** The method that runs all of ImapFlow's commands, and its internal state. */
export type Inside = Omit<ImapFlow, 'namespace' | 'namespaces'> & {
  exec(command: string, attributes: unknown, options?: object): Promise<{ next(): void; response: object }>
  run(command: string, ...args: unknown[]): Promise<unknown>
  /** Writes a line, to which CRLF is appended. */
  write(line: Buffer): void
  /** The folders of the last listing. */
  folders: Map<string, { flags: Set<string> }>
  namespace?: Namespace | undefined
  namespaces?: { personal?: Namespace[]; other?: Namespace[] | false; shared?: Namespace[] | false } | undefined
}

interface Namespace {
  prefix: string
  delimiter: string | null
}

/** ImapFlow's parse of `* LSUB (flags) "." name`. */
interface Subscribed {
  attributes?: ({ value?: unknown }[] | { value?: unknown } | null)[]
}

interface LsubOptions {
  untagged?: { LSUB?: (said: Subscribed) => Promise<void> }
}

/** Commands whose first argument is a folder name. */
const namingCommands = new Set(['SELECT', 'EXAMINE', 'STATUS'])

/**
 * Quotes folder names, since Courier rejects atoms that begin with `~`, and the word NIL, which servers parse as no
 * value.
 * @param client ImapFlow represents an intended NIL as `null`, so an atom NIL is always text.
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
 * Makes ImapFlow accept full paths. It would prepend the personal prefix (`INBOX.`) to every path, so that folders of
 * other namespaces could not be opened.
 */
export function takeWholePaths(client: ImapFlow): void {
  const inside = client as unknown as Inside
  inside.namespace = { prefix: '', delimiter: inside.namespace?.delimiter ?? null }
}

/** Returns the prefix of the user's own folders except INBOX: `INBOX.` on some servers, usually empty. */
export function personalPrefix(client: ImapFlow): string {
  return (client as unknown as Inside).namespaces?.personal?.[0]?.prefix ?? ''
}

/** Disables ImapFlow's own STATUS per folder, which would delay the list. */
export function listWithoutStatus(client: ImapFlow): void {
  const inside = client as unknown as Inside
  const run = inside.run.bind(client)
  inside.run = (command, ...args) => (command === 'STATUS' ? Promise.resolve(undefined) : run(command, ...args))
}

/**
 * Filters LSUB. ImapFlow applies its flags to LIST entries, but `\\Noselect` means there that only subfolders are
 * subscribed (RFC 3501, section 6.3.9): Courier sends it for INBOX, which could not be opened any more.
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

/**
 * ImapFlow takes any name whose upper case is INBOX for the inbox, also `ınbox` (U+0131), which is another folder
 * (RFC 9051, section 5.1): it would list and open the inbox in its place, so such a folder is left out.
 */
export function isFalseInbox(path: string): boolean {
  return path.toUpperCase() === 'INBOX' && lowerAscii(path) !== 'inbox'
}

/** Whether ImapFlow listed a folder as INBOX that has another name on the wire; see `isFalseInbox`. */
export function isListedFalsely({ path, pathAsListed }: ListResponse): boolean {
  return path === 'INBOX' && /[&\u0080-\uffff]/.test(pathAsListed)
}

/** Encodes a name for the wire: modified UTF-7 (RFC 3501, section 5.1.3), or unchanged where UTF-8 was negotiated. */
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
