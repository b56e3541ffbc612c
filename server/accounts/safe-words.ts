/** Makes a mail server's own words safe to show, since some servers echo what they were sent. */

const maxWords = 500

/** Returns one bounded line without the password in any form that we sent: plain, quoted, or anywhere inside base64. */
export function safeWords(text: string, password: string): string {
  if (password === '') return tidy(text)
  const quoted = password.replaceAll(/["\\]/g, '\\$&')
  const isReported = (word: string) => Buffer.from(word, 'base64').includes(password)
  const decoded = text.replaceAll(/[A-Za-z0-9+/]{4,}={0,2}/g, word => (isReported(word) ? '[password]' : word))
  return tidy(decoded.replaceAll(quoted, '[password]').replaceAll(password, '[password]'))
}

function tidy(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]+/gu, ' ')
    .trim()
    .slice(0, maxWords)
}
