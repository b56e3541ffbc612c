/** The form of a notifier, and the request body made from it. */
import type { Notifier, NotifierBody, NotifierKind, NotifierTargetInput } from '../../contract/notifiers.ts'

export interface NotifierDraft {
  name: string
  kind: NotifierKind
  minSeverity: NotifierBody['min_severity']
  ruleIds: string[]
  accountIds: string[]
  announcesCleared: boolean
  onlyEscalations: boolean
  groupSeconds: string
  repeatMinutes: string
  escalateTo: string
  escalateAfter: string
  /** Fields of the target by name; those of an SMTP server start with `smtp_`. */
  fields: Record<string, string>
  userIds: string[]
  /** Whether mail is sent by a separate SMTP server instead of an account. */
  isOwnServer: boolean
}

export type NotifierWish = NotifierBody

export const emptyDraft: NotifierDraft = {
  ...{ name: '', kind: 'email', minSeverity: 'warning', ruleIds: [], accountIds: [] },
  ...{ announcesCleared: true, onlyEscalations: false, groupSeconds: '60', repeatMinutes: '240' },
  ...{ escalateTo: '', escalateAfter: '15', userIds: [], isOwnServer: false },
  fields: {},
}

/** Fills the form; secrets are empty, which keeps the stored ones. */
export function draftOf(notifier: Notifier): NotifierDraft {
  const { target, escalate } = notifier
  return {
    name: notifier.name,
    kind: target.kind,
    minSeverity: notifier.min_severity,
    ruleIds: notifier.rule_ids,
    accountIds: notifier.account_ids,
    announcesCleared: notifier.tells_cleared,
    onlyEscalations: notifier.only_escalations,
    groupSeconds: String(notifier.group_seconds),
    repeatMinutes: String(notifier.repeat_minutes),
    escalateTo: escalate?.notifier_id ?? '',
    escalateAfter: String(escalate?.after_minutes ?? 15),
    fields: fieldsOf(target),
    userIds: target.kind === 'web_push' ? target.user_ids : [],
    isOwnServer: target.kind === 'email' && target.smtp !== null,
  }
}

export function bodyOf(draft: NotifierDraft, enabled: boolean): NotifierWish {
  const { name, minSeverity, ruleIds, accountIds, announcesCleared, onlyEscalations, escalateTo } = draft
  return {
    ...{ name, enabled, min_severity: minSeverity, rule_ids: ruleIds, account_ids: accountIds },
    ...{ tells_cleared: announcesCleared, only_escalations: onlyEscalations },
    group_seconds: Number(draft.groupSeconds),
    repeat_minutes: Number(draft.repeatMinutes),
    escalate: escalateTo === '' ? null : { notifier_id: escalateTo, after_minutes: Number(draft.escalateAfter) },
    target: targetOf(draft),
  }
}

/** Returns the notifier, switched on or off. */
export function switched(notifier: Notifier): NotifierWish {
  return bodyOf(draftOf(notifier), !notifier.enabled)
}

function fieldsOf(target: Notifier['target']): Record<string, string> {
  switch (target.kind) {
    case 'email': {
      const { to, account_id: account, from, smtp } = target
      const server = smtp && {
        smtp_host: smtp.host,
        smtp_port: String(smtp.port),
        smtp_tls: smtp.tls,
        smtp_user: smtp.user,
      }
      return { to: to.join(', '), account_id: account ?? '', from: from ?? '', ...server }
    }
    case 'ntfy':
      return { server: target.server }
    case 'telegram':
      return { server: target.server, chat_id: target.chat_id }
    default:
      return {}
  }
}

function targetOf({ kind, fields, userIds, isOwnServer }: NotifierDraft): NotifierTargetInput {
  const text = (name: string) => (fields[name] ?? '').trim()
  /** An omitted field stays unchanged. */
  const given = <Name extends string>(name: Name) =>
    (text(name) === '' ? {} : { [name]: text(name) }) as { [Key in Name]?: string }
  switch (kind) {
    case 'email': {
      const to = text('to')
        .split(/[\s,;]+/)
        .filter(address => address !== '')
      if (!isOwnServer) return { kind, to, account_id: text('account_id'), smtp: null, from: null }
      const password = fields.smtp_password ? { password: fields.smtp_password } : {}
      const smtp = {
        ...{ host: text('smtp_host'), port: Number(text('smtp_port') || 465), user: text('smtp_user') },
        ...{ tls: (text('smtp_tls') || 'implicit') as 'implicit', ...password },
      }
      return { kind, to, account_id: null, smtp, from: text('from') }
    }
    case 'webhook':
      return { kind, ...given('url'), ...given('secret') }
    case 'ntfy':
      return { kind, server: text('server') || 'https://ntfy.sh', ...given('topic'), ...given('token') }
    case 'telegram': {
      const server = text('server') || 'https://api.telegram.org'
      return { kind, server, chat_id: text('chat_id'), ...given('bot_token') }
    }
    case 'web_push':
      return { kind, user_ids: userIds }
    default:
      return { kind, ...given('url') }
  }
}
