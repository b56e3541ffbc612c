/** A stranger's words as they may be shown: in one line, cut, without what a model would read and no person would see, and fenced. */
import { randomBytes } from 'node:crypto'

/** Zero-width and bidi controls, tags, variation selectors, fillers; and the three marks of annotations, which are as unseen. */
const unseen = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
const control = /[^\P{Cc}\n\t]/gu
/** Of this nothing is ever taken out, unless it is blank lines. */
const notPlain = /[^\n\t -~]|\n{4}/
/** Words of visible ASCII, one blank between them, as most lines are: nothing is cleaned in them. */
const plainLine = /^[!-~]+(?: [!-~]+)*$/
/** The same with any blanks in it. */
const visibleLine = /^[!-~](?:[ -~]*[!-~])?$/
const maxSubject = 300

/** Lines end with LF; of blank lines at most two stay in a row. */
export function cleanText(text: string): string {
  if (!notPlain.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n')
    .replaceAll(unseen, '')
    .replaceAll(control, '')
    .replaceAll(/\n{4,}/g, '\n\n\n')
}

/** One line of well-formed Unicode without control characters. */
export function oneLine(text: string): string {
  if (text === '' || visibleLine.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
}

/** One line for a model: a subject, a name, a path. A mark at its end says that there was more. */
export function cleanLine(text: string, maxLength = maxSubject): string {
  const line = plainLine.test(text) ? text : cleanText(text).replaceAll(/\s+/g, ' ').trim()
  return cutText(withoutModelMarks(line), maxLength)
}

/** At most so long, with `…` where something is missing, and never half of a character. */
export function cutText(text: string, length: number): string {
  return text.length > length
    ? `${text
        .slice(0, length - 1)
        .toWellFormed()
        .replace(/\ufffd$/, '')}…`
    : text
}

/**
 * Puts bodies between two lines that nobody could know who wrote them: a mail cannot end its own fence. The same nonce serves
 * one whole reply.
 */
export class Fence {
  readonly #tag = `untrusted-${randomBytes(6).toString('hex')}`

  /** A piece of a text may begin where a line does not: what tells who speaks is looked for once more. */
  around(text: string): string {
    return `<${this.#tag}>\n${withoutModelMarks(text)}\n</${this.#tag}>`
  }
}

/** Tags and special tokens of models, of their tools and of fences around what is not trusted; `-` and what follows it belongs to the name. */
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

/** `<|im_start|>`; in some models with wide bars. Blanks are of any kind: a no-break space looks like a space, and to a model nearly is one. */
const token = /[<\uff1c]([^\S\n]{0,3}[|\uff5c][^<>\uff1c\uff1e\n]{1,80}[|\uff5c][^\S\n]{0,3})[>\uff1e]/g
/** One that does not end. What pipes in programs has a blank behind it. */
const openToken = /[<\uff1c](?=[^\S\n]{0,3}[|\uff5c][\p{L}_])/gu
const tag = new RegExp(
  `[<\uff1c]([^\\S\\n]{0,3}/?[^\\S\\n]{0,3}(?:${tagNames})(?:[-:_][\\w-]{0,60})?[^\\S\\n]{0,3})(?=[/>\uff1e\\s=]|$)`,
  'gi',
)
const bracketed =
  /\[([^\S\n]{0,3}\/?[^\S\n]{0,3}(?:INST|SYS|SYSTEM(?:_PROMPT)?|ASSISTANT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)[^\S\n]{0,3})\]/gi
const doubled = /<<([^\S\n]{0,3}\/?[^\S\n]{0,3}SYS[^\S\n]{0,3})>>/gi
/** The end or the beginning of a fence in words. */
const fenceWords = /(?<!‹)\b(?:BEGIN|END|START|STOP)(?:[ _-](?:OF|THE))?[ _-](?:UN)?TRUSTED\b/gi
/** At the beginning of a line, behind whatever is no letter: marks of quotations and lists, bars of tables, blanks of any kind. */
const speaker = /^([^\p{L}\n]{0,20})(Human|Assistant)(?=[*_]*[^\S\n]{0,3}[:\uff1a])/gimu
/** In small letters it is what a computer runs on. */
const systemSpeaker =
  /^([^\p{L}\n]{0,20})(SYSTEM(?:[^\S\n](?:MESSAGE|PROMPT|NOTE|OVERRIDE))?)(?=[*_]*[^\S\n]{0,3}[:\uff1a])/gmu
const heading =
  /^((?:[^\S\n]|>){0,20})(#{1,6})(?=[^\S\n]{1,3}(?:Instructions?|Response|System|Assistant|Human|User|Input|Output)\b[^\S\n]{0,3}:?[^\S\n]{0,20}$)/gim
const codeFence = /^((?:[^\S\n]|>){0,20})(`{3,200}|~{3,200})/gm

/** Without any of these nothing is a mark. Folds as the widest of the patterns below. */
const maybeMark = /[<\uff1c[#`~]|trusted|human|assistant|system/iu

/**
 * Marks by which models tell who speaks: a stranger's words that look like one are rewritten, so that people still read them and no model
 * obeys them.
 * Looks the same to people but for the brackets ‹ ›. What is rewritten once stays as it is.
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
