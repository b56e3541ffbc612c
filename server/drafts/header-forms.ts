/** What may stand in a header field of a message that we write. Loads nothing. */

/** RFC 5322, section 3.6.4, without what few programs read: comments, quotes and blanks. */
const messageIdForm = /^<[\x21-\x3b\x3d\x3f-\x7e]{1,400}>$/
const typeForm = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,99}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}$/
/** These are not to be encoded (RFC 2046, section 5.2.1), or would be read as parts of ours. */
const wrapped = /^(?:message|multipart)\//
const octets = 'application/octet-stream'

export function isMessageId(text: string): boolean {
  return messageIdForm.test(text)
}

/** A media type without parameters; what is none, or cannot stand in a message as it is, is a stream of bytes. */
export function attachmentType(given: string | undefined): string {
  const [type = ''] = (given ?? '').toLowerCase().split(';', 1)
  const bare = type.trim()
  return typeForm.test(bare) && !wrapped.test(bare) ? bare : octets
}
