/** Warnings for the sender of a draft: new recipients, lookalike addresses, and things that seem to be missing. */
import type { Draft } from '../../contract/draft.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedContact } from '../index/index-types.ts'
import { domainOf } from '../mail/ascii-address.ts'
import { imitatedBy, looksOf } from '../mail/look-alike.ts'
import { keyOf } from './draft-recipients.ts'
import type { AnsweredMessage } from './draft-tables.ts'

export interface DraftWarningsOptions {
  index: { of(accountId: string): Pick<IndexOperations, 'listContacts'> }
  /** Whether the account is indexed; asking for contacts must not create an index. */
  isIndexed(accountId: string): boolean
  /**
   * Returns the recipients that were written to before. Contacts alone do not tell: they include recipients of drafts.
   */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
}

type Written = Pick<Draft, 'account_id' | 'mode' | 'from' | 'to' | 'cc' | 'bcc' | 'subject' | 'body' | 'attachments'>

/** Recipients that are looked up, and most-written-to contacts that they are compared with. */
const [mostLookedUp, mostCompared] = [20, 200]
const newRecipients = 'You have never written to'
/** New recipients that their warning names. */
const mostNamed = 5
/** A reply to more people than this gets a warning. */
const many = 20
const attached =
  /(?<!\p{L})(?:attach(?:ed|ment|ments|ing)?|enclosed|anbei|angehängt|anhang|beigefügt|ci-joint(?:e|s|es)?|pièces? jointes?|adjunt(?:o|a|os|as)|allegat[oai]|em anexo|bijlagen?|bifogad|bifogar|vedlagt|vedhæftet|liite(?:enä)?|załącz\p{L}*|прилож\p{L}*|вложен\p{L}*|во вложении|прикреп\p{L}*)(?!\p{L})|添付|附件|첨부/iu
const remotePicture = /!\[[^\]]*\]\(\s*<?https?:|<img\b[^>]*\bsrc\s*=\s*["']?\s*(?:https?:)?\/\//i

export class DraftWarnings {
  readonly #options: DraftWarningsOptions

  constructor(options: DraftWarningsOptions) {
    this.#options = options
  }

  async of(draft: Written, answered: AnsweredMessage | undefined): Promise<string[]> {
    return [...plainWarnings(draft, answered), ...(await this.#ofRecipients(draft))]
  }

  async #ofRecipients({ account_id: accountId, from, to, cc, bcc }: Written): Promise<string[]> {
    const emails = [...new Set([...to, ...cc, ...bcc].map(({ email }) => keyOf(email)))].slice(0, mostLookedUp)
    if (emails.length === 0) return []
    const own = domainOf(from.email)
    const known = await this.#contacts(accountId)
    const domains = [...new Set([own, ...(known ?? []).map(({ email }) => domainOf(email))])].filter(isNamed)
    const lookalikes: string[] = []
    const strangers: string[] = []
    const written = known ? await this.#options.writtenTo(accountId, emails) : undefined
    for (const email of emails) {
      const twin = known?.find(each => keyOf(each.email) !== email && looksOf(each.email) === looksOf(email))
      const domain = domainOf(email)
      const imitated = domain === undefined ? undefined : imitatedBy(domain, domains)
      if (twin) lookalikes.push(`${email} looks like ${twin.email}, to whom you write.`)
      else if (imitated !== undefined) lookalikes.push(`The domain of ${email} looks like ${imitated}.`)
      if (written && !written.has(email)) strangers.push(email)
    }
    return [...lookalikes, ...(strangers.length > 0 ? [neverWrittenTo(strangers)] : [])]
  }

  /** Returns the contacts that were written to, most often first; undefined without an index. */
  async #contacts(accountId: string): Promise<IndexedContact[] | undefined> {
    const { index, isIndexed } = this.#options
    if (!isIndexed(accountId)) return undefined
    try {
      const contacts = await index.of(accountId).listContacts({ query: '', limit: mostCompared })
      return contacts.filter(({ writtenTo }) => writtenTo > 0)
    } catch (error) {
      // A failing index must not prevent drafting.
      if (error instanceof IndexFault) return undefined
      throw error
    }
  }
}

function* plainWarnings(draft: Written, answered: AnsweredMessage | undefined): Generator<string> {
  const { mode, to, cc, bcc, subject, body, attachments } = draft
  if (subject.trim() === '') yield 'The subject is empty.'
  const own = body.content.replaceAll(/^\s*>.*$/gm, '')
  if (attachments.length === 0 && attached.test(own)) yield 'The text mentions an attachment, but nothing is attached.'
  if (remotePicture.test(body.content)) yield 'Pictures from the web are not sent; attach them.'
  const count = to.length + cc.length + bcc.length
  if (mode === 'reply_all' && count > many) yield `This reply goes to ${count} people.`
  if (answered && answered.omitted > 0) {
    yield `${answered.omitted} recipients of the message are left out, since it has too many.`
  }
  for (const name of answered?.leftOut ?? []) yield `${name} is not attached: there is no room for it.`
}

/** Returns the warning about recipients to whom nothing was sent before. */
function neverWrittenTo(emails: readonly string[]): string {
  const named = emails.slice(0, mostNamed)
  const more = emails.length - named.length
  const all = more > 0 ? [...named, `${more} ${more === 1 ? 'other' : 'others'}`] : named
  return `${newRecipients} ${[all.slice(0, -1).join(', '), all.at(-1)].filter(Boolean).join(' or ')}.`
}

export function isAboutNewRecipients(warning: string): boolean {
  return warning.startsWith(newRecipients)
}

const isNamed = (domain: string | undefined): domain is string => domain !== undefined
