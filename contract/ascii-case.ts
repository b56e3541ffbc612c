/** Lower case as mail compares addresses and names of machines: of ASCII letters only. */

/**
 * Unicode maps letters of other mailboxes onto ours: the lower case of the Kelvin sign is `k`. So nothing that tells
 * mailboxes or machines apart is compared by `toLowerCase`.
 */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, letters => letters.toLowerCase())
}
