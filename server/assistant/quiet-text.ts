/**
 * Neutralises an answer while it streams: what a stranger's mail made the model say must neither load nor link to
 * anything. Images become links, links to other hosts become text followed by the URL, and HTML becomes text. Links to
 * pages of this server stay.
 */

/** Pages of this server that may be linked; opening one of them changes nothing. */
const pages = 'mail|analytics|audit|accounts|alerts|clients|approvals|outbox|agents|changes|assistant|system'
const ownLink = new RegExp(`^\\]\\(/(?:(?:${pages})(?:[/?#][\\w./?#=&%:+,~@-]*)?|[?#][\\w./?#=&%:+,~@-]*)?\\)`)
/** Matches what may still become an own link; a longer text cannot. */
const mayBecomeOwnLink = /^\](?:\((?:\/[\w./?#=&%:+,~@-]*)?)?$/
const longestLink = 1_000
const sign = /!(?=\[)|\](?=[[(:])|<(?=[A-Za-z/!?])/g

export class QuietText {
  #held = ''

  /** Returns the text that is decided by now. */
  push(text: string): string {
    const all = this.#held + text
    const cut = cutOf(all)
    this.#held = all.slice(cut)
    return quiet(all.slice(0, cut))
  }

  /** Returns the rest. */
  end(): string {
    const rest = quiet(this.#held)
    this.#held = ''
    return rest
  }
}

/** Returns where the undecided text begins. */
function cutOf(text: string): number {
  const bracket = text.lastIndexOf(']')
  if (bracket >= 0 && text.length - bracket <= longestLink && mayBecomeOwnLink.test(text.slice(bracket))) return bracket
  return /[!<]$/.test(text) ? text.length - 1 : text.length
}

export function quiet(text: string): string {
  return text.replaceAll(sign, (found, at: number) => {
    if (found === '!') return ''
    if (found === '<') return '‹'
    return ownLink.test(text.slice(at, at + longestLink)) ? ']' : '] '
  })
}
