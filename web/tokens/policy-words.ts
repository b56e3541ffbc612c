/** The form of a policy: figures as text, recipients and folders one per line. */
import { policyBounds, type TokenPolicy } from '../../contract/policy.ts'

export interface PolicyForm {
  mode: TokenPolicy['mode']
  recipients: 'anyone' | 'listed'
  /** One per line. */
  allowed: string
  onlyKnown: boolean
  perHour: string
  perDay: string
  recipientsPerHour: string
  recipientsPerDay: string
  attachmentMib: string
  hasHours: boolean
  days: readonly number[]
  from: string
  to: string
  timeZone: string
  always: boolean
  strangers: boolean
  taintMinutes: string
  folders: 'all' | 'listed'
  allowedFolders: string
  changesPerHour: string
  mayDelete: boolean
}

const mib = 1024 * 1024

/** @param timeZone This browser's, as the default of working hours. */
export function policyFormOf({ mode, sending, organizing }: TokenPolicy, timeZone: string): PolicyForm {
  const { hours, approval, recipients, max_attachment_bytes: bytes } = sending
  return {
    mode,
    recipients: recipients === 'anyone' ? 'anyone' : 'listed',
    allowed: recipients === 'anyone' ? '' : recipients.join('\n'),
    onlyKnown: sending.only_known_in_thread,
    perHour: textOf(sending.max_per_hour),
    perDay: textOf(sending.max_per_day),
    recipientsPerHour: textOf(sending.max_recipients_per_hour),
    recipientsPerDay: textOf(sending.max_recipients_per_day),
    attachmentMib: bytes === null ? '' : String(bytes / mib),
    hasHours: hours !== null,
    days: hours?.days ?? [1, 2, 3, 4, 5],
    from: hours?.from ?? '08:00',
    to: hours?.to ?? '18:00',
    timeZone: hours?.time_zone ?? timeZone,
    always: approval.always,
    strangers: approval.strangers,
    taintMinutes: textOf(approval.tainted_minutes),
    folders: organizing.folders === 'all' ? 'all' : 'listed',
    allowedFolders: organizing.folders === 'all' ? '' : organizing.folders.join('\n'),
    changesPerHour: textOf(organizing.max_per_hour),
    mayDelete: organizing.may_delete,
  }
}

export function policyOf(form: PolicyForm): TokenPolicy {
  const megabytes = form.attachmentMib.trim()
  return {
    mode: form.mode,
    sending: {
      recipients: form.recipients === 'anyone' ? 'anyone' : linesOf(form.allowed).map(line => line.toLowerCase()),
      only_known_in_thread: form.onlyKnown,
      max_per_hour: figureOf(form.perHour),
      max_per_day: figureOf(form.perDay),
      max_recipients_per_hour: figureOf(form.recipientsPerHour),
      max_recipients_per_day: figureOf(form.recipientsPerDay),
      max_attachment_bytes: megabytes === '' ? null : Math.round(Number(megabytes) * mib),
      hours: form.hasHours
        ? { days: form.days.toSorted((a, b) => a - b), from: form.from, to: form.to, time_zone: form.timeZone.trim() }
        : null,
      approval: { always: form.always, strangers: form.strangers, tainted_minutes: figureOf(form.taintMinutes) },
    },
    organizing: {
      folders: form.folders === 'all' ? 'all' : linesOf(form.allowedFolders),
      max_per_hour: figureOf(form.changesPerHour),
      may_delete: form.mayDelete,
    },
  }
}

type FigureField = 'perHour' | 'perDay' | 'recipientsPerHour' | 'recipientsPerDay' | 'taintMinutes' | 'changesPerHour'

const bounds: Record<FigureField, { least: number; most: number }> = {
  perHour: { least: 0, most: policyBounds.perHour },
  perDay: { least: 0, most: policyBounds.perDay },
  recipientsPerHour: { least: 0, most: policyBounds.perHour },
  recipientsPerDay: { least: 0, most: policyBounds.perDay },
  taintMinutes: { least: 1, most: policyBounds.taintMinutes },
  changesPerHour: { least: 0, most: 100_000 },
}

export type PolicyFaults = Partial<Record<keyof PolicyForm, string>>

export function policyFaults(form: PolicyForm): PolicyFaults {
  const faults: PolicyFaults = {}
  for (const [name, { least, most }] of Object.entries(bounds) as [FigureField, { least: number; most: number }][]) {
    const text = form[name].trim()
    const isFine = text === '' || (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most)
    if (!isFine) faults[name] = `A whole number from ${least} to ${most.toLocaleString('en')}, or empty for no limit.`
  }
  const megabytes = form.attachmentMib.trim()
  if (megabytes !== '' && !/^\d{1,4}(\.\d{1,6})?$/.test(megabytes)) faults.attachmentMib = 'A number of MiB, or empty.'
  if (form.recipients === 'listed') {
    const lines = linesOf(form.allowed)
    const wrong = lines.find(line => !/^[^@\s]*@[^@\s]+$/.test(line))
    if (wrong !== undefined) faults.allowed = `${wrong} is neither an address nor @domain.`
    if (lines.length > policyBounds.recipients) faults.allowed = `At most ${policyBounds.recipients}.`
  }
  if (form.folders === 'listed' && linesOf(form.allowedFolders).length > policyBounds.folders) {
    faults.allowedFolders = `At most ${policyBounds.folders}.`
  }
  if (form.hasHours && form.days.length === 0) faults.days = 'Choose at least one day.'
  if (form.hasHours && !/^\d\d:\d\d$/.test(form.from)) faults.from = 'Enter a time.'
  if (form.hasHours && !/^\d\d:\d\d$/.test(form.to)) faults.to = 'Enter a time.'
  if (form.hasHours && !isTimeZone(form.timeZone.trim())) faults.timeZone = 'Not a time zone such as Europe/Vienna.'
  return faults
}

/** Summarises when a human must approve, the most important part of a policy. */
/** A sentence that holds for every policy. */
const outsiderWords = `Within ${policyBounds.outsidersMinutes} minutes after it read mail of a stranger, a human approves messages to anyone but contacts.`

export function approvalWords({ mode, always, strangers, taintMinutes }: PolicyForm): string {
  if (mode === 'propose')
    return 'What it requests waits as a proposal. Nothing is sent or changed until a human applies it.'
  if (always) return 'A human approves each message.'
  const minutes = taintMinutes.trim()
  const when = [
    strangers && 'a recipient is a stranger',
    minutes !== '' && `the token has read mail of a stranger within ${minutes} minutes`,
  ].filter(Boolean)
  if (when.length === 0) return `It sends without approval. ${outsiderWords}`
  return `A human approves messages when ${when.join(', or when ')}.`
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
}

function textOf(figure: number | null): string {
  return figure === null ? '' : String(figure)
}

function figureOf(text: string): number | null {
  return text.trim() === '' ? null : Number(text)
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return name !== ''
  } catch {
    return false
  }
}
