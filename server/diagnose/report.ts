/** Renders a diagnosis as plain text: unmasked for its owner, and masked for a public bug tracker. */
import type { Diagnosis } from '../../contract/diagnose.ts'
import { foldersIn, namesIn } from './imap-masking.ts'
import { Masker } from './masker.ts'

export interface ReportFrame {
  version: string
  /** Facts about the machine and the settings, without personal data. */
  facts: readonly (readonly [name: string, value: string])[]
}

export interface Named {
  name: string
  email: string
  imap: { host: string; user: string }
  smtp: { host: string; user: string } | null
  watched_folders: readonly string[]
}

/** How each kind of text is rendered. */
interface Voice {
  text(text: string): string
  words(text: string): string
  folder(path: string): string
  /** Renders what a server said, which may have named a folder. */
  said(text: string): string
  line(from: 'client' | 'server', text: string, part?: 'imap' | 'smtp'): string
}

const plain: Voice = { text: same, words: same, folder: same, said: same, line: (_from, text) => text }
const marks = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ', skipped: 'skipped' } as const
/** Details that contain words of servers. */
const saidBy = new Set(['Greeting', 'It said', 'The server said', 'Last error', 'Server software'])

export function plainText(diagnosis: Omit<Diagnosis, 'account_id'>): string {
  return [...head(diagnosis, plain), ...body(diagnosis, plain)].join('\n')
}

/** @param account Nothing of it may be disclosed. */
export function maskedReport(diagnosis: Diagnosis, account: Named, { version, facts }: ReportFrame): string {
  const masker = maskerFor(diagnosis, account)
  return [
    `RustyMail ${version}: diagnosis of an account`,
    ...facts.map(([name, value]) => `${name}: ${value}`),
    'Names, addresses and folders are replaced; the same word stands for the same thing.',
    '',
    ...head(diagnosis, masker),
    ...body(diagnosis, masker),
    '',
  ].join('\n')
}

function head({ made_at, duration_ms, verdict, advice }: Omit<Diagnosis, 'account_id'>, voice: Voice): string[] {
  const steps = advice.map((step, index) => `  ${index + 1}. ${voice.text(step)}`)
  return [
    voice.words(verdict),
    ...(steps.length > 0 ? ['What to do:', ...steps] : []),
    `Made at ${made_at}, in ${duration_ms} ms.`,
    '',
  ]
}

function body({ checks, lines }: Omit<Diagnosis, 'account_id'>, voice: Voice): string[] {
  const steps = checks.flatMap(({ part, id, state, words, details, ms }) => [
    `${marks[state]}  ${part} ${id} (${ms} ms): ${voice.words(words)}`,
    ...details.map(({ name, value }) => `           ${name}: ${detailOf(id, name, value, voice)}`),
  ])
  if (lines.length === 0) return steps
  const said = lines.map(({ at, part, connection, from, text, count }) => {
    const times = count > 1 ? ` (${count} times)` : ''
    return `${at} ${part} #${connection} ${from === 'client' ? '>' : '<'} ${voice.line(from, text, part)}${times}`
  })
  return [...steps, '', 'Last lines:', ...said]
}

function detailOf(id: string, name: string, value: string, voice: Voice): string {
  if (id === 'folders') {
    return name.startsWith('Namespace') || name === 'Folders' ? namesIn(value, voice) : voice.folder(value)
  }
  // Mostly about folders; the words about a login are not.
  if (id === 'state' && name === 'The server said') return voice.said(value)
  return saidBy.has(name) ? voice.words(value) : voice.text(value)
}

function maskerFor({ checks, lines }: Diagnosis, { name, email, imap, smtp, watched_folders }: Named): Masker {
  const listed = checks.filter(({ id }) => id === 'folders').flatMap(({ details }) => details)
  const byRole = listed.filter(detail => !detail.name.startsWith('Namespace') && detail.name !== 'Folders')
  const spoken = lines.flatMap(({ from, part, text }) => (from === 'client' && part === 'imap' ? foldersIn(text) : []))
  return new Masker({
    names: [name],
    users: [...new Set([email, imap.user, ...(smtp ? [smtp.user] : [])])],
    hosts: [...new Set([imap.host, ...(smtp ? [smtp.host] : [])])],
    folders: [...new Set([...watched_folders, ...byRole.map(({ value }) => value), ...spoken])],
  })
}

function same(text: string): string {
  return text
}
