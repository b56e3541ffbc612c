/**
 * Sanitises a stranger's words for display: cuts them, removes what a model would read but no person would see, and
 * fences them.
 */
import { randomBytes } from 'node:crypto'

/** Zero-width and bidi controls, tags, variation selectors, fillers, and the equally invisible annotation marks. */
const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const control = /[^\P{Cc}\n\t]/gu
/** Matches text that may need cleaning; anything else is returned unchanged. */
const notPlain = /[^\n\t -~]|\n{4}/
/** A line of visible ASCII words separated by single blanks, which needs no cleaning; most lines match. */
const plainLine = /^[!-~]+(?: [!-~]+)*$/
/** A line of visible ASCII with any number of blanks. */
const visibleLine = /^[!-~](?:[ -~]*[!-~])?$/
const maxSubject = 300

/** Normalises line ends to LF, and keeps at most two consecutive blank lines. */
export function cleanText(text: string): string {
  if (!notPlain.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replaceAll(unseen, '')
    .replaceAll(control, '')
    .replaceAll(/\n{4,}/g, '\n\n\n')
}

/** Returns one line of well-formed Unicode without control characters. */
export function oneLine(text: string): string {
  if (text === '' || visibleLine.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/** Returns one line for a model: a subject, a name, a path. An ellipsis shows that it was cut. */
export function cleanLine(text: string, maxLength = maxSubject): string {
  const line = plainLine.test(text) ? text : cleanText(text).replaceAll(/\s+/g, ' ').trim()
  return cutText(withoutModelMarks(line), maxLength)
}

/** Cuts at a length, marks the cut by `…`, and never splits a character. */
export function cutText(text: string, length: number): string {
  return text.length > length
    ? `${text
        .slice(0, length - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
    : text
}

/**
 * Encloses bodies in a random tag that their authors could not know: a mail cannot close its own fence. One nonce
 * serves a whole reply.
 */
export class Fence {
  readonly #tag = `untrusted-${randomBytes(6).toString('hex')}`

  /** Neutralises marks again, since a piece of a text may begin in the middle of a line. */
  around(text: string): string {
    return `<${this.#tag}>\n${withoutModelMarks(text)}\n</${this.#tag}>`
  }
}

/**
 * Names of tags and special tokens of models, their tools and fences of untrusted text, including suffixes after `-`.
 */
const tagNames = [
  'antml:[a-z_]+',
  'function_?(?:calls?|results?)',
  'functions?',
  'invoke',
  'parameter',
  'tool_?(?:calls?|use|results?|outputs?|responses?|code)',
  'tools?',
  'system',
  'assistant',
  'user',
  'human',
  'developer',
  'instructions?',
  'prompt',
  'context',
  'documents?',
  'results?',
  'output',
  'think(?:ing)?',
  'untrusted',
  'trusted',
  's',
  'bos',
  'eos',
  'pad',
  'unk',
  '(?:begin|start|end)_of_(?:text|turn|sentence|message)',
  'unused\\d{1,3}',
  'important',
  'admin',
  'override',
  'sys',
  'inst',
].join('|')

/**
 * `<|im_start|>`, in some models with full-width bars, and any blanks: to a model a no-break space is almost a space.
 */
const token = /[<\uff1c]([^\S\n]{0,3}[|\uff5c][^<>\uff1c\uff1e\n]{1,80}[|\uff5c][^\S\n]{0,3})[>\uff1e]/g
/** An unterminated token. A shell pipe has a blank behind it. */
const openToken = /[<\uff1c](?=[^\S\n]{0,3}[|\uff5c][\p{L}_])/gu
const tag = new RegExp(
  `[<\uff1c]([^\\S\\n]{0,3}/?[^\\S\\n]{0,3}(?:${tagNames})(?:[-:_][\\w-]{0,60})?[^\\S\\n]{0,3})(?=[/>\uff1e\\s=]|$)`,
  'gi',
)
const bracketed =
  /\[([^\S\n]{0,3}\/?[^\S\n]{0,3}(?:INST|SYS|SYSTEM(?:_PROMPT)?|ASSISTANT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)[^\S\n]{0,3})\]/gi
const doubled = /<<([^\S\n]{0,3}\/?[^\S\n]{0,3}SYS[^\S\n]{0,3})>>/gi
/** The end or beginning of a fence in words. */
const fenceWords = /(?<!‹)\b(?:BEGIN|END|START|STOP)(?:[ _-](?:OF|THE))?[ _-](?:UN)?TRUSTED\b/gi
/** A speaker at the beginning of a line, after any non-letters: quotation and list marks, table bars, blanks. */
const speaker = /^([^\p{L}\n]{0,20})(Human|Assistant)(?=[*_]*[^\S\n]{0,3}[:\uff1a])/gimu
/** Upper case only: in lower case it is an ordinary word. */
const systemSpeaker =
  /^([^\p{L}\n]{0,20})(SYSTEM(?:[^\S\n](?:MESSAGE|PROMPT|NOTE|OVERRIDE))?)(?=[*_]*[^\S\n]{0,3}[:\uff1a])/gmu
const heading =
  /^((?:[^\S\n]|>){0,20})(#{1,6})(?=[^\S\n]{1,3}(?:Instructions?|Response|System|Assistant|Human|User|Input|Output)\b[^\S\n]{0,3}:?[^\S\n]{0,20}$)/gim
const codeFence = /^((?:[^\S\n]|>){0,20})(`{3,200}|~{3,200})/gm

/** Fast check: text without any of these contains no mark. Folds case like the widest of the patterns. */
const maybeMark = /[<\uff1c[#`~]|trusted|human|assistant|system/iu

/**
 * Rewrites marks by which models recognise speakers, so that people can still read a stranger's words but no model
 * obeys them. Only adds the brackets ‹ ›, and is idempotent.
 */
export function withoutModelMarks(text: string): string {
  if (!maybeMark.test(text)) return text
  return text
    .replaceAll(token, '‹$1›')
    .replaceAll(openToken, '‹')
    .replaceAll(doubled, '‹‹$1››')
    .replaceAll(tag, '‹$1')
    .replaceAll(bracketed, '‹$1›')
    .replaceAll(fenceWords, '‹$&›')
    .replaceAll(speaker, '$1‹$2›')
    .replaceAll(systemSpeaker, '$1‹$2›')
    .replaceAll(heading, '$1‹$2›')
    .replaceAll(codeFence, '$1‹$2›')
}
