/**
 * Reads the extensions in an SMTP server's response to EHLO (RFC 5321, section 4.1.1.1), as lines in capitals: `SIZE
 * 36700160`, `8BITMIME`.
 */

const mostLines = 100

export function ehloOffers(ehlo: string): string[] {
  const lines = ehlo.split(/\r?\n/).slice(1, mostLines + 1)
  return lines.flatMap(line => {
    const [, words] = /^250[ -]([\x21-\x7e][\x20-\x7e]{0,199})$/.exec(line.trimEnd()) ?? []
    return words === undefined ? [] : [words.toUpperCase()]
  })
}
