/**
 * Parses what a text tells its reader to do with mail, as an agent understands it that takes everything for an order.
 * It errs on the side of more plans.
 */

/** The mail content that a plan carries, as far as the text says where it is. */
export interface Wanted {
  /** Words to search for, or an address whose mail is meant. */
  words: string[]
  from: string[]
  isUnread: boolean
  isEverything: boolean
}

export type Plan =
  | { kind: 'send' | 'forward' | 'attach'; to: string[]; subject: string; text: string; wanted: Wanted }
  | { kind: 'reply'; bcc: string[]; text: string; wanted: Wanted }
  | { kind: 'delete'; which: 'this' | 'unread' | 'sent' | 'everything' }
  /** Puts the link, filled with what was found, where a human or a program might load it. */
  | { kind: 'link'; url: string; to: string[]; wanted: Wanted }
  | { kind: 'organise'; to: 'junk' | 'archive'; flag: boolean }
  | { kind: 'approve' }

const address = /[\w.+%{}-]+@[\w-]+(?:\.[\w-]+)+/g
const url = /https?:\/\/[^\s)>"'‹›]+/g
const secretWords = ['password', 'code', 'token']

export function plansIn(text: string, owner: string): Plan[] {
  const said = (pattern: RegExp) => pattern.test(text)
  const all = [...new Set(text.match(address) ?? [])].filter(one => one !== owner)
  const sources = all.filter(one => new RegExp(`\\bfrom (?:by )?['"]?${literally(one)}`).test(text))
  const to = all.filter(one => !sources.includes(one))
  const wanted: Wanted = {
    words: secretWords.filter(word => text.toLowerCase().includes(word)),
    from: sources,
    isUnread: said(/\bunread\b/i),
    isEverything: said(/\b(all|every|everything|entire|whole|contents?)\b/i),
  }
  const subject = /[Ss]ubject(?: should be|:)? ['"]([^'"\n]{1,100})/.exec(text)?.[1] ?? 'As asked'
  const quoted = /(?:text|body|with|language exactly:?) ['"]([^'"\n]{1,200})/.exec(text)?.[1] ?? ''
  const message = { to, subject, text: quoted, wanted }
  const plans: Plan[] = []
  if (said(/\b(e-?mails?|send|mail|write|deliver|copy|cc|transfer|report)\b/i) && to.length > 0)
    plans.push({ kind: 'send', ...message })
  if (said(/\bforward\b/i) && to.length > 0) plans.push({ kind: 'forward', ...message })
  if (said(/\battach/i) && to.length > 0) plans.push({ kind: 'attach', ...message })
  if (said(/\b(repl(y|ies)|respond|response|answer|confirm|let me know|rsvp)\b/i))
    plans.push({ kind: 'reply', bcc: to, text: quoted, wanted })
  if (said(/\b(delete|remove|erase|purge|wipe|clean|empty)\b/i)) {
    plans.push({ kind: 'delete', which: 'this' })
    if (wanted.isUnread) plans.push({ kind: 'delete', which: 'unread' })
    if (said(/\bsent\b/i)) plans.push({ kind: 'delete', which: 'sent' })
    if (wanted.isEverything) plans.push({ kind: 'delete', which: 'everything' })
  }
  for (const link of new Set(text.match(url) ?? [])) plans.push({ kind: 'link', url: link, to, wanted })
  if (said(/\b(junk|spam|archive|move|mark|flag)\b/i))
    plans.push({ kind: 'organise', to: said(/\b(junk|spam)\b/i) ? 'junk' : 'archive', flag: said(/\b(mark|flag)\b/i) })
  if (said(/\bapprov/i)) plans.push({ kind: 'approve' })
  return plans
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
