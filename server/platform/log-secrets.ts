/** What looks like a secret in a line of the log, whatever it hangs on: the last net behind the names of fields that the logger leaves out. */

/** In place of what is not written. */
export const censored = '[redacted]'

/** Shorter ones would be found in ordinary words. */
const leastKnown = 8
const maxDepth = 8

const words =
  'pass(?:word|wd|phrase)?|pwd|secret|client_?secret|token|(?:access|refresh|id|session|setup|link|csrf)_?token|api[_-]?key|(?:set-)?cookie|private_?key|authorization'
const isSecretName = new RegExp(`^(?:${words})$`, 'i')

/** Each reads a text once: what it began to match is either matched or short. A log of words of strangers must not take their length squared. */
const rules: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Of ours, of webhooks, of providers of models and of mail, of hosts of code; JWT.
  [/\b(?:rm_|whsec_|sk[-_]|gh[opsu]_|github_pat_|xox[abprs]-|glpat-|ya29\.|AIza|AKIA)[\w+/=.-]{8,}/g, censored],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, censored],
  [/\b(Bearer|Basic|Digest|Negotiate)\s+[\w+/=.~-]{6,}/gi, `$1 ${censored}`],
  // Links of one use, and what comes back from providers.
  [/(\/(?:setup|invitation|reset)#)[\w-]+/g, `$1${censored}`],
  [/([?&](?:code|state|nonce|assertion)=)[^\s"&\\]+/g, `$1${censored}`],
  [/\b((?:set-)?cookie|authorization)(\s*[:=]\s*)(?!\[redacted)[^\r\n"]+/gi, `$1$2${censored}`],
  // A value ends where a quotation mark does; in JSON inside of a text there is a backslash before it.
  [
    new RegExp(`\\b(${words})(["'\\\\]*\\s*[:=]\\s*["'\\\\]*)(?!\\[redacted)[^\\s"'&,;\\\\<>]+`, 'gi'),
    `$1$2${censored}`,
  ],
  [/(rustymail_session)=[^\s;"\\]+/g, `$1=${censored}`],
  [/(?<=[a-z\d+.-]:\/\/)[^\s/"\\@]+@/gi, `${censored}@`],
  // IMAP and SMTP.
  [/\b(LOGIN\s+\S+\s+)(?:"(?:[^"\\]|\\.)*"|\S+)/g, `$1${censored}`],
  [/\b(AUTH(?:ENTICATE)?\s+[A-Z\d-]{4,20}\s+)[\w+/=]{6,}/g, `$1${censored}`],
]

/** What would change how a line looks, beside what JSON escapes already: C1, invisible and bidirectional characters, halves of pairs. */
const unseen = /[\x7f-\x9f\u2028\u2029\ufff9-\ufffb\p{Cs}\p{Default_Ignorable_Code_Point}]/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const controls = /[\x00-\x1f]/g

export class LogSecrets {
  readonly #known: readonly string[]

  /** @param known Secrets that this process was given. */
  constructor(known: readonly string[] = []) {
    const forms = known.flatMap(secret => [secret, encodeURIComponent(secret)])
    this.#known = [...new Set(forms)].filter(({ length }) => length >= leastKnown)
  }

  /** Of a value of JSON: texts, and all that has the name of a secret. */
  without(value: unknown, depth = 0): unknown {
    if (typeof value === 'string') return this.#withoutIn(value)
    if (typeof value !== 'object' || value === null) return value
    if (depth >= maxDepth) return '…'
    if (Array.isArray(value)) return value.map(each => this.without(each, depth + 1))
    const entries = Object.entries(value).map(([name, each]) => {
      const isTold = each === null || typeof each === 'boolean' || typeof each === 'number'
      return [name, !isTold && isSecretName.test(name) ? censored : this.without(each, depth + 1)] as const
    })
    return Object.fromEntries(entries)
  }

  #withoutIn(given: string): string {
    let text = given
    for (const secret of this.#known) if (text.includes(secret)) text = text.replaceAll(secret, censored)
    for (const [pattern, replacement] of rules) text = text.replaceAll(pattern, replacement)
    return text
  }
}

/** JSON says the same with it, and no terminal obeys it. */
export function escapeUnseen(text: string): string {
  return text.replaceAll(unseen, escapeOne)
}

/** As a person reads it, in one line: nothing in it is unseen, or moves what stands beside it. */
export function shownText(text: string): string {
  return escapeUnseen(text.replaceAll(controls, escapeOne))
}

function escapeOne(character: string): string {
  return Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join('')
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
