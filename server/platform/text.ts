/** Helpers for untrusted strings that are retained: copies, and client names on one line. */

/** Copies a string: a slice of a longer one would retain all of that. */
export function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}

/** Characters of a client's name, and of its version. */
const maxPeer = 100

/** Shown for clients that do not identify themselves, which MCP no longer requires as of 2026. */
const unnamed = 'unknown client'

/** Formats a client's name and version on one line; control and invisible characters become blanks. */
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
