/** Lower case of ASCII letters only, as `contract/ascii-case.ts` has it: the page gets the contract as data. */

/** For addresses: the lower case of the Kelvin sign would be `k`, so another mailbox would be shown as this one. */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, letters => letters.toLowerCase())
}
