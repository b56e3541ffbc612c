/** Renders conversations into messages, with replies quoted and threaded as mail clients do it. */
import { createHash } from 'node:crypto'
import type { MailComposerOptions } from 'nodemailer/lib/mail-composer'
import { chartPng, logoPng, pdf, readingsCsv } from './seed-attachments.ts'
import type { Letter } from './seed-mail.ts'
import { owner, type Person } from './seed-people.ts'
import type { Random } from './seed-random.ts'
import type { Script, Turn } from './seed-script.ts'
import { projectScripts } from './seed-scripts-project.ts'
import { supportScripts } from './seed-scripts-support.ts'
import { tradeScripts } from './seed-scripts-trade.ts'

export function conversations(random: Random, now: Date): Letter[] {
  return [...projectScripts, ...tradeScripts, ...supportScripts].flatMap(script => play(script, random, now))
}

function play(script: Script, random: Random, now: Date): Letter[] {
  const letters: Letter[] = []
  const ids: string[] = []
  let at = firstTime(new Date(now.getTime() - script.daysAgo * 86_400_000), now, random)
  let previous: { turn: Turn; at: Date } | undefined
  for (const [index, turn] of script.turns.entries()) {
    const [from, text, attach] = turn
    if (at >= now) break
    const isMine = from === owner
    const id = `<${digest(script.subject, index)}@${from.address.split('@')[1]}>`
    const isAnswered = script.turns[index + 1]?.[0] === owner
    letters.push({
      folder: isMine ? 'Sent' : (script.folder ?? 'INBOX'),
      at,
      flags: isMine ? ['\\Seen'] : isAnswered ? ['\\Seen', '\\Answered'] : [],
      mail: {
        from,
        to: script.with.filter(person => person !== from),
        subject: index === 0 ? script.subject : `Re: ${script.subject}`,
        messageId: id,
        ...(ids.length > 0 ? { inReplyTo: ids.at(-1) ?? '', references: [...ids] } : {}),
        ...bodyOf(from, text, previous),
        ...(attach ? { attachments: attachmentsOf(attach, script, random, at) } : {}),
      },
    })
    ids.push(id)
    previous = { turn, at }
    at = nextTime(at, random)
  }
  return letters
}

/** Returns a time between 7:00 and 16:00 on that day, or on the previous day if that is still in the future. */
function firstTime(day: Date, now: Date, random: Random): Date {
  const at = new Date(day)
  at.setUTCHours(random.int(7, 15), random.int(0, 59))
  return at < now ? at : new Date(at.getTime() - 86_400_000)
}

/** Returns a time some minutes to hours later; a reply that would fall into the night is sent the next morning. */
function nextTime(at: Date, random: Random): Date {
  const next = new Date(at.getTime() + random.int(6, 240) * 60_000)
  if (next.getUTCHours() >= 18) next.setUTCDate(next.getUTCDate() + 1)
  if (next.getUTCHours() >= 18 || next.getUTCHours() < 7) next.setUTCHours(random.int(7, 9))
  return next
}

function digest(subject: string, index: number): string {
  return createHash('sha256').update(`${subject} ${index}`).digest('hex').slice(0, 20)
}

/** Whether a person writes HTML is fixed per person, like the setting of a mail client. */
function bodyOf(from: Person, text: string, previous?: { turn: Turn; at: Date }): MailComposerOptions {
  const firstName = from.name.split(' ')[0]
  const said = previous ? `\n\nOn ${previous.at.toUTCString().slice(0, 16)}, ${previous.turn[0].name} wrote:\n` : ''
  const quoted = previous ? previous.turn[1].replaceAll(/^/gm, '> ') : ''
  const plain = `${text}\n\n${firstName}${said}${quoted}\n`
  if (from.address.length % 3 !== 0) return { text: plain }
  const paragraphs = text.split('\n\n').map(part => `<p>${escapeHtml(part).replaceAll('\n', '<br>')}</p>`)
  const quote = previous
    ? `<p>${escapeHtml(said.trim())}</p><blockquote style="border-left:2px solid #9aa5b1;margin:0;padding-left:12px">${escapeHtml(previous.turn[1]).replaceAll('\n', '<br>')}</blockquote>`
    : ''
  return {
    text: plain,
    html: `<div style="font:14px/1.5 sans-serif">${paragraphs.join('')}<p>${firstName}</p>${quote}</div>`,
  }
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function attachmentsOf(kind: NonNullable<Turn[2]>, script: Script, random: Random, at: Date) {
  const name = script.subject
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40)
  switch (kind) {
    case 'pdf':
      return [
        {
          filename: `${name}.pdf`,
          content: pdf(
            script.subject,
            script.turns.map(([, text]) => text.slice(0, 90)),
          ),
        },
      ]
    case 'csv':
      return [{ filename: `${name}.csv`, content: readingsCsv(random, new Date(at.getTime() - 72 * 3_600_000), 72) }]
    case 'chart':
      return [{ filename: `${name}.png`, content: chartPng(random) }]
    case 'logo':
      return [{ filename: 'northlight.png', content: logoPng() }]
  }
}
