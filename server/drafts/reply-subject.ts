/** Subjects of replies and forwards: an existing prefix is not repeated, whatever its language. */

/** Prefixes as mail programs write them before the colon, in lower case. */
const replies = [
  ...['re', 'aw', 'antw', 'antwort', 'sv', 'vs', 'ref', 'rif', 'ris', 'res', 'odp', 'ynt', 'yan', 'bls', 'atb', 'ats'],
  ...['vá', 'hb', 'sb', 'ответ', 'отв', 'на', 'відп', 'απ', 'σχετ', 'רע', 'תשובה', 'رد', 'پاسخ'],
  ...['回复', '回覆', '答复', '答覆', '返信', '回信', '답장', '회신'],
]
const forwards = [
  ...['fwd', 'fw', 'wg', 'tr', 'rv', 'vb', 'vl', 'pd', 'enc', 'doorst', 'vid', 'videresendt', 'vidarebefordrat', 'ilt'],
  ...[
    'továbbítás',
    'továbbított',
    'пересл',
    'пд',
    'fs',
    'προωθ',
    'πρθ',
    'הועבר',
    'إعادة توجيه',
    '转发',
    '轉寄',
    '転送',
    '전달',
  ],
]
const before = (words: readonly string[]) =>
  new RegExp(
    String.raw`^\s*(?:${words.join('|')})\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3}|\*\d{1,3})?\s?[:\uff1a]\s*`,
    'iu',
  )
const reply = before(replies)
const forward = before(forwards)
/** Characters of a subject; a longer one is cut. */
const maxLength = 900

export function replySubject(subject: string): string {
  return withPrefix('Re', without(reply, subject))
}

export function forwardSubject(subject: string): string {
  return withPrefix('Fwd', without(forward, subject))
}

function without(prefix: RegExp, subject: string): string {
  let rest = subject.normalize('NFC').trim()
  for (let next = rest.replace(prefix, ''); next !== rest; next = rest.replace(prefix, '')) rest = next
  return rest
}

function withPrefix(prefix: string, subject: string): string {
  return `${prefix}: ${subject}`.trim().slice(0, maxLength).toWellFormed()
}
