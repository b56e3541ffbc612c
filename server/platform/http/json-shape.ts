/** Refuses JSON that costs more to read than its length says, by one walk over its bytes before anything is made of it. */

/** Objects and lists in each other. */
export const maxDepth = 32
/** Members, items, objects and lists. The largest that an endpoint takes is a token with a thousand accounts. */
export const maxValues = 4_000
/** Of members: each unknown one is looked up, listed and spelled. */
export const maxNames = 500

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Whether the bytes are valid JSON is not looked at. */
export function isModest(bytes: Uint8Array): boolean {
  let depth = 0
  let values = 0
  let names = 0
  let isInString = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isInString) {
      if (byte === backslash) at++
      else if (byte === quote) isInString = false
      continue
    }
    if (byte === quote) isInString = true
    else if (byte === openObject || byte === openList) {
      if (++depth > maxDepth || ++values > maxValues) return false
    } else if (byte === closeObject || byte === closeList) depth--
    else if (byte === comma && ++values > maxValues) return false
    else if (byte === colon && ++names > maxNames) return false
  }
  return true
}
