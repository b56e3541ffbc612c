/** Extracts what was written in this very message: replaces quotations of earlier ones and the signature by a note. */

const quoted = /^\s{0,3}>/
/** An attribution line above a quotation: a verb of writing or an address, and a colon at its end. */
const attribution =
  /((wrote|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|skrev|napisał\(?a?\)?|писал\(?а?\)?)|<[^<>\s@]+@[^<>\s@]+>)[^:]{0,40}:\s*$/i
/** Maximum length of an attribution; a longer line is ordinary text. */
const maxAttributionLength = 1000
/** First line of an attribution that spans two. */
const attributionBegin = /^(On|Am|Le|El|Il|Em|Op|Den|På|W dniu)\s/
const original =
  /^-{2,}\s*(Original Message|Ursprüngliche Nachricht|Message d['’]origine|Mensaje original|Messaggio originale)\s*-{2,}\s*$/i
/** RFC 3676, section 4.3. */
const signatureMark = '-- '
/** Maximum lines of a signature; anything longer is text. */
const maxSignatureLines = 20

export function newText(text: string): string {
  return withoutSignature(withoutQuotations(text.split('\n')))
    .map(line => (typeof line === 'string' ? line : `[${line.count} lines of ${line.what} left out]`))
    .join('\n')
    .trim()
}

/** A run of omitted lines. */
interface Gap {
  count: number
  what: 'quotation' | 'signature'
}

function withoutQuotations(lines: string[]): (string | Gap)[] {
  const kept: (string | Gap)[] = []
  for (let index = 0; index < lines.length; ) {
    const count = quotationAt(lines, index)
    if (count === 0) kept.push(lines[index++]!)
    else {
      kept.push({ count, what: 'quotation' })
      index += count
    }
  }
  return kept
}

/** Omits the lines from the signature mark to the next gap. */
function withoutSignature(lines: (string | Gap)[]): (string | Gap)[] {
  const begin = lines.indexOf(signatureMark)
  if (begin < 0) return lines
  const gap = lines.findIndex((line, index) => index > begin && typeof line !== 'string')
  const end = gap < 0 ? lines.length : gap
  const count = end - begin
  if (count > maxSignatureLines) return lines
  return [...lines.slice(0, begin), { count, what: 'signature' }, ...lines.slice(end)]
}

/** Returns the number of quoted lines from here on, with their attribution; 0 when there are none. */
function quotationAt(lines: string[], index: number): number {
  if (original.test(lines[index]!)) return lines.length - index
  const first = index + attributionLength(lines, index)
  let end = first
  while (end < lines.length && isQuoted(lines, end)) end++
  return end > first ? end - index : 0
}

/** True also for a blank line between quoted ones. */
function isQuoted(lines: string[], index: number): boolean {
  if (quoted.test(lines[index]!)) return true
  return lines[index]!.trim() === '' && quoted.test(lines[index - 1] ?? '') && quoted.test(lines[index + 1] ?? '')
}

function attributionLength(lines: string[], index: number): number {
  const [one = '', two = ''] = lines.slice(index, index + 2)
  const lengthOfIt = attributionBegin.test(one) && isAttribution(two) ? 2 : 1
  if (quoted.test(one) || !isAttribution(lengthOfIt === 2 ? two : one)) return 0
  const length = lines[index + lengthOfIt]?.trim() === '' ? lengthOfIt + 1 : lengthOfIt
  return quoted.test(lines[index + length] ?? '') ? length : 0
}

function isAttribution(line: string): boolean {
  return line.length <= maxAttributionLength && attribution.test(line)
}
