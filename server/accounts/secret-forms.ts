/** Redacts secrets from logged conversations, in every form in which they may be echoed. */

const mask = '[secret]'
const base64Words = /[A-Za-z0-9+/_-]{4,}={0,2}/g
/** Upper bound of characters that encode one byte: `%0A` in a URL. */
const lettersAByte = 3

export interface SecretForms {
  /** Returns the text without any of the secrets. */
  clean(text: string): string
  /** The upper bound of the length of a secret's form, in characters. */
  readonly longest: number
}

/** Finds secrets plain, quoted, URL-encoded, and anywhere inside base64. @param secrets Empty ones are ignored. */
export function secretForms(secrets: readonly string[]): SecretForms {
  const known = secrets.filter(secret => secret !== '')
  const forms = [...new Set(known.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  const encoded = forms.filter(form => form.includes('%')).map(form => form.toLowerCase())
  const bytes = known.flatMap(secret => [secret, quoted(secret)]).map(text => Buffer.from(text))
  const longest = Math.max(0, ...bytes.map(({ length }) => length * lettersAByte + 8))
  const isIn = (word: string) => {
    // `Buffer.from` accepts both alphabets of base64.
    const decoded = Buffer.from(word, 'base64')
    return bytes.some(secret => decoded.includes(secret))
  }
  return {
    longest,
    clean: text => {
      let cleaned = text.replace(base64Words, word => (isIn(word) ? mask : word))
      for (const form of forms) if (cleaned.includes(form)) cleaned = cleaned.replaceAll(form, mask)
      for (const form of encoded) cleaned = withoutLetters(cleaned, form)
      return cleaned
    },
  }
}

/** Quotes as in a string of IMAP or JSON. */
function quoted(secret: string): string {
  return secret.replaceAll(/["\\]/g, '\\$&')
}

function formsOf(secret: string): string[] {
  const url = encodeURIComponent(secret.toWellFormed())
  const wide = url.replaceAll(/[!'()*~.\-_]/g, letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
  const latin1 = Buffer.from(secret).toString('latin1')
  return [secret, quoted(secret), latin1, url, url.replaceAll('%20', '+'), wide, ...insideBase64(secret)]
}

/** Characters of the shortest core that is searched for; shorter ones occur in many words. */
const shortestInside = 8

/** Returns the base64 characters that a secret yields for certain, whatever precedes and follows it. */
function insideBase64(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const cores = [0, 1, 2].map(before => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const whole = Math.floor(((before + bytes.length) * 8) / 6)
    return encoded.slice(Math.ceil((before * 8) / 6), whole)
  })
  const both = cores.flatMap(core => [core, core.replaceAll('+', '-').replaceAll('/', '_')])
  return both.filter(core => core.length >= shortestInside)
}

/** Percent-encoding may use lower-case digits too. */
function withoutLetters(text: string, form: string): string {
  for (let lower = text.toLowerCase(), at = lower.indexOf(form); at >= 0; at = lower.indexOf(form)) {
    if (lower.length !== text.length) return mask
    text = text.slice(0, at) + mask + text.slice(at + form.length)
    lower = text.toLowerCase()
  }
  return text
}
