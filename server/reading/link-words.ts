/** Links in plain text as HTML's links are told: the words and the host. Markdown that would load or follow something by itself is none any more. */
import { shownHost } from './link-target.ts'

/** `[words](https://…)`, `![picture](//…)` and `[1]: https://…`: what stands between the words and the target is all that is looked at. */
const inlineTarget = /\]\([ \t]{0,3}<?((?:https?:)?\/\/[^\s<>()"]*)>?/gi
const referenceTarget = /\]:[ \t]{0,3}\n?[ \t]{0,3}<?((?:https?:)?\/\/[^\s<>"]*)>?/gi
/** Any other target: a blank between the two, and it is no link to Markdown (CommonMark, section 6.3). */
const otherTarget = /\]\(/g
/** Any other definition that names a scheme: a blank before the colon, and it is none (CommonMark, section 4.7). */
const otherReference = /\](?=:[ \t]{0,3}\n?[ \t]{0,3}<?[a-z][a-z\d+.-]{1,30}:)/gi
const autolink = /<((?:https?:)?\/\/[^\s<>"]*)>/gi
/** An address among the words keeps what tells where it leads, and loses what tells who follows it. */
const bareAddress = /(?:(?:https?|ftp):\/\/|mailto:)[^\s<>"]+/gi

export function withoutTargets(text: string): string {
  return text
    .replaceAll(inlineTarget, (_all, url: string) => `] (${hostOf(url)}`)
    .replaceAll(referenceTarget, (_all, url: string) => `]: ${hostOf(url)}`)
    .replaceAll(otherReference, '] ')
    .replaceAll(otherTarget, '] (')
    .replaceAll(autolink, (_all, url: string) => `(${hostOf(url)})`)
    .replaceAll(bareAddress, url => withoutQuery(url))
}

function hostOf(url: string): string {
  return shownHost(url) ?? 'a link'
}

/** Ends of sentences are none of the address. */
function withoutQuery(url: string): string {
  const query = url.search(/[?#]/)
  if (query < 0 || url.slice(query + 1).search(/[^.,;:!?)\]'*]/) < 0) return url
  const end = url.length - (/[.,;:!?)\]'*]{1,10}$/.exec(url)?.[0].length ?? 0)
  return `${url.slice(0, query)}?…${url.slice(end)}`
}
