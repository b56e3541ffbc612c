/**
 * Masks lines of IMAP for strangers: words of the protocol and of well-known servers stay; anything else can be the
 * name of a folder.
 */

/** Replaces names by masks. */
export interface NameMasks {
  /** Masks known names, addresses, and session ids. */
  words(text: string): string
  folder(path: string): string
  keyword(name: string): string
}

const set = (words: string) => new Set(words.split(/\s+/))

/** Arguments of commands and items of responses. */
const items = set(
  `return select subscribed remote recursivematch special-use children status messages recent uidnext uidvalidity unseen highestmodseq
  size deleted deleted-storage mailboxid appendlimit condstore qresync silent flags +flags -flags flags.silent +flags.silent
  -flags.silent unchangedsince storage message mailbox annotation-storage nil noselect oldname childinfo`,
)
const codes = set(
  `alert alreadyexists appenduid authenticationfailed authorizationfailed badcharset badevent badurl cannot capability
  clientbug closed compressionactive contactadmin copyuid corruption expired expungeissued fetch
  highestmodseq inuse limit mailboxid metadata modified nomodseq noperm nonexistent nosnapshot notsaved noupdate overquota
  parse permanentflags privacyrequired read-only read-write serverbug temporary throttled toobig trycreate uidnext uidnotsticky
  uidrequired uidvalidity unavailable unknown-cte unseen useattr webalert`,
)
/** Responses of which only the name is shown. */
const responses = set(
  'exists recent expunge fetch search sort thread esearch vanished acl myrights listrights metadata language genurlauth',
)
/** Known words of the texts after OK, NO, BAD and BYE. */
const known = set(
  `a access accessed account after again aborted already all allowed an and another any append are argument arguments as at authenticate
  authenticated authentication authorization available backend bad be because been begin being bug bye by cannot can't capability
  character charset check client close closed closing cmd command commands complete completed configuration connect connected
  connection connections consult copied copy could couldn't courier create created credentials currently cyrus data database delete deleted denied
  denying did disabled disconnected disconnecting disk does doesn't don't done dovecot due during email empty enable enabled encountered
  encryption ended enough error errors examine exceeded exceeds exchange exist existing exists exit expected expired expunge expunged failed
  failure failures fatal fetch flags folder for found from full get getquota getquotaroot gimap gmail go going good goodbye had has have
  haven't hierarchy high highest icloud id idle idling imap imap4 imap4rev1 imap4rev2 in inactivity inbox incorrect insufficient internal
  invalid is issue it its limit line list listed literal load locked logged logging login logout long lookup lost low lsub
  mail mailbox mailboxes maximum may message messages microsoft missing modseq more moved move must name namespace need network new no nonexistent
  noop not nothing now number of off ok okay on one online only open opened operation or out over parameters parse password
  per permanent permission permitted plain please policy possible preauth previous problem process protocol proxy quota quotaroot
  read ready read-only read-write reached received recent reconnect refused rejected remote rename renamed request requests
  required resources response result retry returned rights root same search secs seconds secure select selected server servers service session
  sessions set shortly shutdown shutting signed some space specified ssl start starting starttls state status still storage
  store stored subscribe subscribed subscription succeeded success successful successfully supported sync syntax system take temporarily temporary terminated than that the there
  this throttled time timed timeout tls to too transaction try type uid uidnext uidvalidity unable unavailable unexpected
  unknown unselect unselected unseen unsubscribe unsubscribed until unsupported use used user username using validity via view
  waiting was we web welcome will with without write wrong yahoo you your zimbra zoho fastmail outlook yandex gmx`,
)
/** Patterns of the masks themselves. */
const host = String.raw`(?:(?:host\d+|imaps?|smtps?|mail|mx|www)\.)*domain\d+\.example`
const masks = new RegExp(
  String.raw`^(?:(?:user|name|host|folder|keyword|message|ip|private-ip)\d+|user\d+@${host}|${host}|<message\d+>|\[id\])$`,
)

/** Masks free text: unknown words are replaced by a placeholder. */
export function knownWords(text: string, to: Pick<NameMasks, 'words'>): string {
  return to
    .words(text)
    .replace(/\S+/g, token => {
      const [, before = '', core = '', after = ''] =
        /^([([<"'`*]*)(.*?)([)\]>"'`*.,:;!?]*)$/su.exec(masks.test(token) ? '' : token) ?? []
      if (core === '') return /[\p{L}\p{N}]/u.test(token) && !masks.test(token) ? '…' : token
      return known.has(core.toLowerCase()) || masks.test(core) ? before + core + after : '…'
    })
    .replaceAll(/…(?:\s+…)+/g, '…')
}

/** Masks a line from a server. */
export function serverLine(line: string, to: NameMasks): string {
  const [, head, isOf, rest = ''] = /^((\*|\S{1,40}) (?:OK|NO|BAD|BYE|PREAUTH))(?= |$)(.*)$/isu.exec(line) ?? []
  if (head !== undefined && isOf !== undefined) return head + statusText(rest, to)
  const [, before = '', name = '', after = ''] = /^(\* (?:\d+ )?)([A-Z0-9-]+)(.*)$/isu.exec(line) ?? []
  switch (name.toUpperCase()) {
    case 'CAPABILITY':
    case 'ENABLED':
      return before + name + capabilities(after, to)
    case 'FLAGS':
      return before + name + keywords(after, to)
    case 'ID':
    case 'NAMESPACE':
    case 'LIST':
    case 'LSUB':
    case 'XLIST':
    case 'STATUS':
    case 'QUOTA':
    case 'QUOTAROOT':
      return before + name + namesIn(after, to)
  }
  if (responses.has(name.toLowerCase())) return /^( …)?$/.test(after) ? line : `${before}${name} …`
  if (before !== '') return `${before}…`
  return line === '+ …' ? line : knownWords(line, to)
}

/** Masks arguments that can be names of folders: everything quoted, and every word that is not part of the protocol. */
export function namesIn(rest: string, to: Pick<NameMasks, 'folder'>): string {
  // A truncated line has no closing quote.
  return rest.replace(/"((?:[^"\\]|\\.)*)("|\\?$)|[^\s"()]+/gsu, (word, inside?: string, end?: string) => {
    if (inside !== undefined) return `"${to.folder(inside.replaceAll(/\\(.)/gsu, '$1'))}${end}`
    if (/^[\d:,*%]+$/.test(word) || /^\{\d+\+?\}$/.test(word) || items.has(word.toLowerCase())) return word
    return isSystemFlag(word) ? word : to.folder(word)
  })
}

/** Masks flags, of which users choose some names. */
export function keywords(rest: string, to: Pick<NameMasks, 'keyword'>): string {
  return rest.replace(/[^\s()]+/gu, word =>
    isSystemFlag(word) || /^[\d:,*]+$/.test(word) || items.has(word.toLowerCase()) ? word : to.keyword(word),
  )
}

function statusText(rest: string, to: NameMasks): string {
  const [, space = '', code, args = '', text = ''] = /^(\s*)(?:\[([A-Z0-9-]+)([^\]]*)\]?)?(.*)$/isu.exec(rest) ?? []
  if (code === undefined) return space + knownWords(text, to)
  const name = code.toUpperCase()
  if (!codes.has(code.toLowerCase())) return `${space}[…]${knownWords(text, to)}`
  return `${space}[${name}${codeArguments(name, args, to)}]${knownWords(text, to)}`
}

function codeArguments(name: string, args: string, to: NameMasks): string {
  if (name === 'CAPABILITY') return capabilities(args, to)
  if (name === 'PERMANENTFLAGS') return keywords(args, to)
  return /^[\s\d:,*]*$/.test(args) ? args : ' …'
}

function capabilities(rest: string, to: NameMasks): string {
  return rest.replace(/\S+/gu, word => (/^[A-Z0-9][\w.+=-]*$/i.test(word) ? to.words(word) : '…'))
}

const systemFlags = set(
  `\\answered \\flagged \\deleted \\seen \\draft \\recent \\* \\noselect \\nonexistent \\noinferiors \\haschildren \\hasnochildren \\marked
  \\unmarked \\subscribed \\remote \\all \\archive \\drafts \\junk \\sent \\trash \\important \\inbox \\allmail \\starred \\spam
  \\memos \\scheduled \\snoozed $forwarded $mdnsent $junk $notjunk $nonjunk junk nonjunk notjunk $phishing $submitted $submitpending $important`,
)

function isSystemFlag(word: string): boolean {
  return systemFlags.has(word.toLowerCase())
}

/** Matches commands that name folders. */
const naming =
  /^(\S+ (?:UID )?(?:SELECT|EXAMINE|STATUS|LIST|LSUB|XLIST|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|GETQUOTAROOT|GETQUOTA|COPY|MOVE) )(.*)$/isu
const storing = /^(\S+ (?:UID )?STORE )(.*)$/isu

/** Masks a line from RustyMail. */
export function clientLine(line: string, to: NameMasks & { text(text: string): string }): string {
  const [, command, rest = ''] = naming.exec(line) ?? []
  if (command !== undefined) return command + namesIn(rest, to)
  const [, store, flags = ''] = storing.exec(line) ?? []
  if (store !== undefined) return store + keywords(flags, to)
  return to.text(line)
}

/** Returns the names of folders in a line from RustyMail, in their encoded form. */
export function foldersIn(line: string): string[] {
  const found: string[] = []
  namesIn(naming.exec(line)?.[2] ?? '', {
    folder: path => {
      found.push(path)
      return path
    },
  })
  return found
}

/** Decodes modified UTF-7 (RFC 3501, section 5.1.3): `M&APw-ll` is `Müll`. */
export function fromUtf7(path: string): string {
  return path.replaceAll(/&([A-Za-z0-9+,]*)-/g, (_all, encoded: string) => {
    if (encoded === '') return '&'
    const bytes = Buffer.from(encoded.replaceAll(',', '/'), 'base64')
    return bytes
      .subarray(0, bytes.length & ~1)
      .swap16()
      .toString('utf16le')
  })
}
