/** What is kept of a longer text is kept alone. */

/** A string cut from a longer one keeps all of that in memory; a copy does not. */
export function ownCopy(text: string): string {
  return Buffer.from(text).toString()
}
