/** Redacts what looks like a secret in log lines: a last line of defense after the logger's redaction by field name. */

/** Replaces redacted text. */
export const censored = '[redacted]'

/** Minimum length of known secrets that are searched; shorter ones would match ordinary words. */
const leastKnown = 8
const maxDepth = 8

const words =
  'pass(?:word|wd|phrase)?|pwd|secret|client_?secret|token|(?:access|refresh|id|session|setup|link|csrf)_?token|api[_-]?key|(?:set-)?cookie|private_?key|authorization'
const isSecretName = new RegExp(`^(?:${words})$`, 'i')

/** Patterns of secrets. Each is linear-time, since partial matches are short: log lines contain untrusted text. */
const rules: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Tokens of RustyMail, webhooks, model and mail providers, and code hosts; JWTs.
  [/\b(?:rm_|whsec_|sk[-_]|gh[opsu]_|github_pat_|xox[abprs]-|glpat-|ya29\.|AIza|AKIA)[\w+/=.-]{8,}/g, censored],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, censored],
  [/\b(Bearer|Basic|Digest|Negotiate)\s+[\w+/=.~-]{6,}/gi, `$1 ${censored}`],
  // One-time links, and OAuth callback parameters.
  [/(\/(?:setup|invitation|reset)#)[\w-]+/g, `$1${censored}`],
  [/([?&](?:code|state|nonce|assertion)=)[^\s"&\\]+/g, `$1${censored}`],
  [/\b((?:set-)?cookie|authorization)(\s*[:=]\s*)(?!\[redacted)[^\r\n"]+/gi, `$1$2${censored}`],
  // A value ends at a quotation mark; in JSON nested in a string, that is preceded by a backslash.
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

/**
 * Characters that would change the display of a line and are not escaped by JSON: C1, invisible, bidirectional, lone
 * surrogates.
 */
const unseen = /[\x7f-\x9f\u2028\u2029\ufff9-\ufffb\p{Cs}\p{Default_Ignorable_Code_Point}]/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped
const controls = /[\x00-\x1f]/g

export class LogSecrets {
  readonly #known: readonly string[]

  /** @param known Secrets of this process. */
  constructor(known: readonly string[] = []) {
    const forms = known.flatMap(secret => [secret, encodeURIComponent(secret)])
    this.#known = [...new Set(forms)].filter(({ length }) => length >= leastKnown)
  }

  /** Redacts a JSON value: its strings, and members with the name of a secret. */
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

/** Escapes such characters, which is equivalent in JSON and harmless in terminals. */
export function escapeUnseen(text: string): string {
  return text.replaceAll(unseen, escapeOne)
}

/** Makes text safe to display on one line: nothing in it is invisible, or affects text around it. */
export function shownText(text: string): string {
  return escapeUnseen(text.replaceAll(controls, escapeOne))
}

function escapeOne(character: string): string {
  return Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join('')
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}
