/** What a program calls itself, as the trail has it. */

/** Of its name, and of its version. */
const maxPeer = 100

/** One line; what could end it, or hides in it, is shown as such. */
export function clientOf({ name, version }: { name: string; version: string }): string {
  return [name, version]
    .map(text =>
      text
        .slice(0, maxPeer)
        .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
        .trim(),
    )
    .join(' ')
    .trim()
}
