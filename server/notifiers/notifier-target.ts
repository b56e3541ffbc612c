/**
 * The targets of notices, with secrets in the clear: what of a target is shown, and what is kept when the rest changes.
 */
import type { NotifierKind, NotifierTarget, NotifierTargetInput } from '../../contract/notifiers.ts'
import { badInput, type Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'

type Whole<Input, Secrets extends keyof Input> = Omit<Input, Secrets> & { [Key in Secrets]-?: NonNullable<Input[Key]> }
type InputOf<Kind extends NotifierKind> = Extract<NotifierTargetInput, { kind: Kind }>

interface Targets {
  email: InputOf<'email'>
  webhook: Whole<InputOf<'webhook'>, 'url' | 'secret'>
  ntfy: Whole<InputOf<'ntfy'>, 'topic'>
  slack: Whole<InputOf<'slack'>, 'url'>
  discord: Whole<InputOf<'discord'>, 'url'>
  teams: Whole<InputOf<'teams'>, 'url'>
  telegram: Whole<InputOf<'telegram'>, 'bot_token'>
  web_push: InputOf<'web_push'>
}
export type TargetOf<Kind extends NotifierKind> = Targets[Kind]
export type WholeTarget = TargetOf<NotifierKind>

/** The secret fields of each kind. */
const secretFields: Record<NotifierKind, readonly string[]> = {
  email: [],
  webhook: ['url', 'secret'],
  ntfy: ['topic', 'token'],
  slack: ['url'],
  discord: ['url'],
  teams: ['url'],
  telegram: ['bot_token'],
  web_push: [],
}
const optional = ['token']

/**
 * Completes a target: missing secrets are those stored, unless they would be sent to another server than before, since
 * changing the server could otherwise disclose them.
 * @throws Problem
 */
export function wholeTarget(given: NotifierTargetInput, before?: WholeTarget): WholeTarget {
  const whole: Record<string, unknown> = { ...given }
  const known = before as Record<string, unknown> | undefined
  for (const field of secretFields[given.kind]) {
    if (whole[field] !== undefined) continue
    if (known?.[field] !== undefined) {
      if (known.server !== whole.server) throw missing(field, 'must be given again, since the server has changed')
      whole[field] = known[field]
    } else if (!optional.includes(field)) throw missing(field, 'is required')
  }
  if (given.kind === 'email') whole.smtp = smtpOf(given, before?.kind === 'email' ? before.smtp : null)
  // Complete by now, so it is a target of its kind.
  return whole as WholeTarget
}

function smtpOf({ smtp, account_id, from }: InputOf<'email'>, before: InputOf<'email'>['smtp']) {
  if ((smtp === null) === (account_id === null)) throw missing('smtp', 'must be set, or account_id, and not both')
  if (!smtp) return null
  if (from === null) throw missing('from', 'is required with smtp')
  if (smtp.password !== undefined) return smtp
  if (before?.password === undefined) throw missing('smtp.password', 'is required')
  const isSame = (['host', 'port', 'tls', 'user'] as const).every(field => smtp[field] === before[field])
  if (!isSame) throw missing('smtp.password', 'must be given again, since the server has changed')
  return { ...smtp, password: before.password }
}

export function shownTarget(target: WholeTarget): NotifierTarget {
  switch (target.kind) {
    case 'email': {
      const { kind, to, account_id, smtp, from } = target
      const { password: _, ...server } = smtp ?? { password: '' }
      return { kind, to, account_id, smtp: smtp && (server as Omit<typeof smtp, 'password'>), from }
    }
    case 'ntfy':
      return { kind: 'ntfy', server: target.server, has_token: (target.token ?? '') !== '' }
    case 'telegram':
      return { kind: 'telegram', server: target.server, chat_id: target.chat_id }
    case 'web_push':
      return target
    default:
      return { kind: target.kind, host: hostOf(target.url) }
  }
}

/** Returns all texts of a target that must be redacted. */
export function secretsIn(target: WholeTarget): string[] {
  const fields = target as Record<string, unknown>
  const own = secretFields[target.kind].map(field => fields[field])
  const password = target.kind === 'email' ? target.smtp?.password : undefined
  const path = 'url' in target && URL.canParse(target.url) ? new URL(target.url) : undefined
  const pieces = path
    ? [...path.pathname.split('/'), ...path.searchParams.values()].filter(({ length }) => length >= 8)
    : []
  const parts = path ? [path.pathname, path.search, ...pieces] : []
  return [...own, password, ...parts].filter(text => typeof text === 'string' && text.length >= 4) as string[]
}

export function targetContext(id: string): string {
  return `notifier ${id}`
}

export function sealTarget(secrets: SecretBox, id: string, target: WholeTarget): string {
  return secrets.seal(JSON.stringify(target), targetContext(id))
}

export function openTarget(secrets: SecretBox, id: string, sealed: string): WholeTarget {
  return JSON.parse(secrets.open(sealed, targetContext(id))) as WholeTarget
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : ''
}

export function missing(field: string, message: string): Problem {
  return badInput(`body.target.${field}`, message)
}
