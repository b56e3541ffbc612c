/** Texts of others that are kept: alone, and what a program calls itself in one line. */

/** A string cut from a longer one keeps all of that in memory; a copy does not. */
export function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}

/** Of its name, and of its version. */
const maxPeer = 100

/** Since 2026 nothing demands that a client says who it is. */
const unnamed = 'unknown client'

/** One line; what could end it, or hides in it, is shown as such. */
export function clientOf(peer: { name: string; version: string } | undefined): string {
  const { name, version } = peer ?? { name: '', version: '' }
  const [words, number] = [name, version].map(text =>
    text
      .slice(0, maxPeer)
      .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
      .trim(),
  )
  return `${words || unnamed} ${number}`.trim()
}
