/** What may stand in the header of a message that we write. Imports nothing. */

/** Message-ID (RFC 5322, section 3.6.4), without the comments, quotes and blanks that few programs can read. */
const messageIdForm = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,400}>$/
const typeForm = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,99}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}$/
/** Types that must not be encoded (RFC 2046, section 5.2.1), or would be parsed as parts of our message. */
const wrapped = /^(?:message|multipart)\//
const octets = 'application/octet-stream'

export function isMessageId(text: string): boolean {
  return messageIdForm.test(text)
}

/**
 * Returns a media type without parameters; `application/octet-stream` for anything invalid, or that a message cannot
 * carry as an attachment.
 */
export function attachmentType(given: string | undefined): string {
  const [type = ''] = (given ?? '').toLowerCase().split(';', 1)
  const bare = type.trim()
  return typeForm.test(bare) && !wrapped.test(bare) ? bare : octets
}

/** Makes a name safe for a header: on one line, and without anything that programs would decode (RFC 2047). */
export function headerName(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .replaceAll('=?', '= ?')
    .trim()
}
