/**
 * Finds how to leave a mailing list (RFC 2369, section 3.2, and RFC 8058), for the reader to decide; never calls any of
 * it.
 */
import type { Unsubscribe } from '../../contract/message-marks.ts'
import { readFields } from '../imap/header-fields.ts'

const maxUrls = 5
const maxLength = 2_000

/** @param head The beginning of the message. @returns Null when there is no way that a program may show. */
export function unsubscribeOf(head: string): Unsubscribe | null {
  const fields = readFields(head)
  const fieldOf = (wanted: string) => fields.find(({ name }) => name === wanted)?.value ?? ''
  const found = [...fieldOf('list-unsubscribe').matchAll(/<([^<>]{1,4000})>/g)]
  const urls = found.map(([, url = '']) => readUrl(url)).filter(url => url !== undefined)
  const shown = [...new Set(urls)].slice(0, maxUrls)
  if (shown.length === 0) return null
  const saysOneClick = /^list-unsubscribe\s*=\s*one-click$/i.test(fieldOf('list-unsubscribe-post'))
  return { urls: shown, is_one_click: saysOneClick && shown.some(url => url.startsWith('https:')) }
}

/** Undefined for other schemes, such as `http:` and `javascript:`, and for URLs that disguise their target. */
function readUrl(source: string): string | undefined {
  // Blanks come from folding, and must be ignored (RFC 2369, section 2).
  const bare = source.replaceAll(/\s+/g, '')
  const url = URL.parse(bare)
  if (!url || /[^!-~]/.test(url.href) || url.href.length > maxLength) return undefined
  if (url.protocol === 'mailto:') return isPlainMailto(url) ? url.href : undefined
  const isPlain = url.protocol === 'https:' && url.username === '' && url.password === ''
  return isPlain ? url.href : undefined
}

/**
 * True for one address with subject and body only (RFC 6068). Further recipients, or characters that could end the
 * header, would send mail that the reader does not intend.
 */
function isPlainMailto({ pathname, searchParams }: URL): boolean {
  const isControlled = (text: string) => /%(?:[01][\da-f]|7f)|\p{Cc}/iu.test(text)
  if (!/^[^@?,]+@[^@?,]+$/.test(pathname) || /%(?:40|2c)/i.test(pathname) || isControlled(pathname)) return false
  return [...searchParams].every(([name, value]) => {
    const field = name.toLowerCase()
    return field === 'body' || (field === 'subject' && !isControlled(value))
  })
}
