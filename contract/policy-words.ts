/** A policy in plain words: one sentence for each rule, for the page, the API and agents alike. */
import { policyBounds, type TokenPolicy } from './policy.ts'

const dayNames = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const openWords =
  `A human approves only messages to anyone but contacts, within ${policyBounds.outsidersMinutes} minutes ` +
  'after the token has read mail of a stranger.'
/** Maximum entries named one by one; further ones are counted. */
const mostNamed = 5

export function policyWords({ mode, sending, organizing }: TokenPolicy): string[] {
  return [
    ...(mode === 'propose' ? ['It proposes: nothing is sent or changed before a human agrees.'] : []),
    ...sendingWords(sending),
    ...organizingWords(organizing),
  ]
}

function sendingWords(sending: TokenPolicy['sending']): string[] {
  const { recipients, only_known_in_thread: onlyKnown, max_attachment_bytes: bytes, hours } = sending
  if (recipients !== 'anyone' && recipients.length === 0) return ['It may not send at all.']
  const words = [
    recipients === 'anyone' ? 'It may send to anyone.' : `It may send only to ${named(recipients.map(ruleWords))}.`,
  ]
  if (onlyKnown) words.push('It may only reply, to people who are already in the thread.')
  const messages = rates('message', sending.max_per_hour, sending.max_per_day)
  if (messages) words.push(`It may send at most ${messages}.`)
  const people = rates('recipient', sending.max_recipients_per_hour, sending.max_recipients_per_day)
  if (people) words.push(`Its messages may have at most ${people}, all together.`)
  if (bytes !== null)
    words.push(
      bytes === 0
        ? 'Its messages may have no attachments.'
        : `Attachments of a message may have at most ${sizeWords(bytes)}.`,
    )
  if (hours)
    words.push(`It may send only on ${daysWords(hours.days)} from ${hours.from} to ${hours.to} (${hours.time_zone}).`)
  words.push(approvalWords(sending.approval))
  return words
}

function approvalWords({ always, strangers, tainted_minutes: minutes }: TokenPolicy['sending']['approval']): string {
  if (always) return 'A human approves each message.'
  const when = [
    ...(strangers ? ['when a recipient is someone to whom the account never wrote'] : []),
    ...(minutes === null ? [] : [`when the token has read mail of a stranger within ${count(minutes, 'minute')}`]),
  ]
  return when.length === 0 ? openWords : `A human approves a message ${when.join(', and ')}.`
}

function organizingWords({ folders, max_per_hour: most, may_delete: mayDelete }: TokenPolicy['organizing']): string[] {
  const words: string[] = []
  if (folders !== 'all') {
    if (folders.length === 0) return ['It may change no messages.']
    words.push(`It may change messages only in ${named(folders)}, and move them only to there.`)
  }
  if (most === 0) return ['It may change no messages.']
  if (most !== null) words.push(`It may change at most ${count(most, 'message')} an hour.`)
  words.push(
    mayDelete ? 'It may delete permanently if it has the scope mail:delete.' : 'It may never delete permanently.',
  )
  return words
}

function ruleWords(rule: string): string {
  return rule.startsWith('@') ? `addresses of ${rule.slice(1)}` : rule
}

function rates(what: string, hour: number | null, day: number | null): string {
  const parts = [
    ...(hour === null ? [] : [`${count(hour, what)} an hour`]),
    ...(day === null ? [] : [`${count(day, what)} a day`]),
  ]
  return parts.join(' and ')
}

function daysWords(days: readonly number[]): string {
  return named(
    [...new Set(days)].sort((a, b) => a - b).map(day => dayNames[day - 1] ?? String(day)),
    7,
  )
}

function named(all: readonly string[], most = mostNamed): string {
  const shown = all.slice(0, most)
  const left = all.length - shown.length
  if (left > 0) return `${shown.join(', ')} and ${left} more`
  if (shown.length < 2) return shown.join('')
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function count(number: number, what: string): string {
  return `${number.toLocaleString('en')} ${what}${number === 1 ? '' : 's'}`
}

function sizeWords(bytes: number): string {
  const MiB = 1024 * 1024
  if (bytes < 1024) return count(bytes, 'byte')
  return bytes < MiB ? `${Math.floor(bytes / 1024)} KiB` : `${Math.floor((bytes * 10) / MiB) / 10} MiB`
}
