/** What a notice says, in plain words. Names may be anybody's: nothing in them hides, or ends a line. */
import type { AlertSeverity } from '../../contract/alerts.ts'
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import { type NoticeReason, notifierBounds } from '../../contract/notifiers.ts'
import type { NoticeAlert, NoticeMessage } from './notifier.ts'

/** As it is stored until it is delivered. */
export interface NoticeContent {
  reason: NoticeReason
  /** The worst first, at most so many as are named. */
  items: NoticeAlert[]
  /** Beyond these. */
  others: number
  /** Of the notifier that hands it over. */
  handed_by: string | null
  /** Of these minutes nobody acknowledged it. */
  minutes: number | null
}

const ranks: Record<AlertSeverity, number> = { info: 0, warning: 1, critical: 2 }
const hidden = new RegExp(hiddenCharacter, 'gu')
const mostCharacters = 400

export function rankOf(severity: AlertSeverity): number {
  return ranks[severity]
}

/** What fires comes before what is over, and the worst first. */
export function contentOf(
  alerts: readonly NoticeAlert[],
  reason: NoticeReason,
  handed: { by: string; minutes?: number } | undefined,
): NoticeContent {
  const sorted = alerts.toSorted(
    (one, other) => Number(isOver(one)) - Number(isOver(other)) || ranks[other.severity] - ranks[one.severity],
  )
  const items = sorted.slice(0, notifierBounds.items)
  return {
    ...{ reason, items, others: alerts.length - items.length },
    ...{ handed_by: handed?.by ?? null, minutes: handed?.minutes ?? null },
  }
}

export function messageOf(
  content: NoticeContent,
  { id, at, link, name }: { id: string; at: Date; link: string; name: string },
): NoticeMessage {
  const { reason, items, others } = content
  const firing = items.filter(item => !isOver(item))
  const worst = firing.toSorted((one, other) => ranks[other.severity] - ranks[one.severity])[0]
  const isTest = reason === 'test'
  const lines = isTest
    ? [`This is a test of the notifier ${clean(name)}. Alerts come this way.`]
    : [...handedLines(content), ...items.map(lineOf), ...(others > 0 ? [`And ${others} more.`] : [])]
  return {
    ...{ id, at, link, lines, isTest, others },
    title: isTest ? 'A test of RustyMail' : titleOf(content, firing.length),
    severity: worst?.severity ?? 'info',
    isOver: firing.length === 0 && !isTest,
    alerts: items.map(item => ({ ...item, name: clean(item.name), words: clean(item.words) })),
  }
}

/** As one text: a title, and the lines below it. */
export function textOf({ title, lines }: Pick<NoticeMessage, 'title' | 'lines'>): string {
  return [title, ...lines].filter(line => line !== '').join('\n')
}

/**
 * For services that make a link or a mention of whatever looks like one, also without being told to: `https://…`, `evil.example`, `@name`,
 * `/command`, `#tag`. A blank without width keeps the words as they are, and takes their meaning.
 */
export function plainly(text: string): string {
  const live = /:(?=\/\/)|@(?=\w)|(?<=[\p{L}\p{N}-])\.(?=\p{L}{2})|(?<=^|\s)[/#~](?=\w)/gmu
  return text.replaceAll(live, '$&\u200b')
}

export function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1).toWellFormed()}…`
}

function titleOf({ items, others, reason }: NoticeContent, firing: number): string {
  const [first] = items
  const count = items.length + others
  const before = reason === 'escalation' ? 'Not acknowledged: ' : ''
  if (count === 1 && first) return `${before}${leadOf(first)}: ${subjectOf(first)}`
  if (firing === 0) return `${count} alerts are over`
  const over = items.length - firing
  const fire = firing + others === 1 ? '1 alert fires' : `${firing + others} alerts fire`
  return `${before}${fire}${over === 0 ? '' : over === 1 ? ', 1 is over' : `, ${over} are over`}`
}

function leadOf({ what, severity }: NoticeAlert): string {
  const word = severity === 'info' ? 'Notice' : severity === 'warning' ? 'Warning' : 'Critical'
  if (what === 'raised') return word
  if (what === 'repeated') return `Still ${word.toLowerCase()}`
  return what === 'cleared' ? 'Over' : 'Over already'
}

/** The name of the rule, and what it is about. */
function subjectOf({ name, words }: NoticeAlert): string {
  const end = words.startsWith(name) ? words.indexOf(': ', name.length) : -1
  return clean(end < 0 ? name : words.slice(0, end))
}

function lineOf(item: NoticeAlert): string {
  const { words, raised_at: from, cleared_at: to } = item
  const since = `${from.slice(0, 16).replace('T', ' ')} UTC`
  if (!isOver(item)) return `${leadOf(item)}: ${clean(words)}. Since ${since}.`
  return `${leadOf(item)}: ${subjectOf(item)}. From ${since}${to === null ? '' : `, for ${lasting(from, to)}`}.`
}

function handedLines({ reason, handed_by: by, minutes }: NoticeContent): string[] {
  if (by === null) return []
  if (reason === 'instead') return [`The notifier ${clean(by)} could not deliver this.`]
  return [`Nobody acknowledged this within ${minutes} min. The notifier ${clean(by)} told it first.`]
}

function lasting(from: string, to: string): string {
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1_000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}

function isOver({ what }: NoticeAlert): boolean {
  return what === 'cleared' || what === 'passed'
}

function clean(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').replaceAll(hidden, '')
  return cut(line.toWellFormed(), mostCharacters)
}
