/**
 * The text of a notice, in plain words. Names may be chosen by strangers: nothing in them can hide text or end a line.
 */
import type { AlertSeverity } from '../../contract/alerts.ts'
import { hiddenCharacter } from '../../contract/hidden-character.ts'
import { type NoticeReason, notifierBounds } from '../../contract/notifiers.ts'
import type { NoticeAlert, NoticeMessage } from './notifier.ts'

/** The content of a notice as stored until delivered. */
export interface NoticeContent {
  reason: NoticeReason
  /** The alerts that are named, the worst first, up to a bound. */
  items: NoticeAlert[]
  /** The number of further alerts. */
  others: number
  /** The name of the notifier that handed it over. */
  handed_by: string | null
  /** The minutes without an acknowledgement. */
  minutes: number | null
}

const ranks: Record<AlertSeverity, number> = { info: 0, warning: 1, critical: 2 }
const hidden = new RegExp(hiddenCharacter, 'gu')
const mostCharacters = 400

export function rankOf(severity: AlertSeverity): number {
  return ranks[severity]
}

/** Builds the content: firing alerts before cleared ones, and the worst first. */
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

/** Renders a title and the lines below it as one text. */
export function textOf({ title, lines }: Pick<NoticeMessage, 'title' | 'lines'>): string {
  return [title, ...lines].filter(line => line !== '').join('\n')
}

/**
 * Neutralises what services turn into links or mentions even without markup: `https://…`, `evil.example`, `@name`,
 * `/command`, `#tag`. A zero-width space keeps the words readable, but inert.
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

/** Returns the name of the rule, and what the alert concerns. */
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
