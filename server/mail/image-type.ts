/** Which image some bytes are, by how they begin: what a mail says of its attachments is its sender's word. */

/** Those that models and programs are shown. */
const marks: readonly (readonly [type: string, mark: string])[] = [
  ['image/png', '89504e470d0a1a0a'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '47494638'],
]

/** Undefined for whatever else. */
export function imageTypeOf(bytes: Buffer): string | undefined {
  const found = marks.find(([, mark]) => bytes.toString('hex', 0, mark.length / 2) === mark)
  if (found) return found[0]
  const isWebp = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP'
  return isWebp ? 'image/webp' : undefined
}
