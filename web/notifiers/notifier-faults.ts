/** Validation errors of a notifier by field: the page's own, and the server's. */
import type { NotifierDraft } from './notifier-draft.ts'
import { fieldsOfKind } from './notifier-words.ts'

/** By wire name of the field; those of an SMTP server start with `smtp_`. */
export type NotifierFaults = Record<string, string>

/** The fields that the form shows. */
const named = new Set([
  ...['name', 'group_seconds', 'repeat_minutes', 'after_minutes', 'notifier_id', 'to', 'account_id', 'user_ids'],
  ...['smtp_host', 'smtp_port', 'smtp_user', 'smtp_password', 'from', 'url', 'server', 'topic', 'token', 'secret'],
  ...['bot_token', 'chat_id'],
])

const isAddress = (text: string) => /^[^@\s]+@[^@\s]+$/.test(text)

/** @param isNew False if empty secrets keep the stored ones. */
export function faultsOfDraft(draft: NotifierDraft, isNew: boolean): NotifierFaults {
  const faults: NotifierFaults = draft.name.trim() === '' ? { name: 'Enter a name.' } : {}
  Object.assign(faults, targetFaults(draft, isNew))
  const number = (name: string, text: string, least: number, most: number) => {
    const value = Number(text)
    const fits = text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most
    if (!fits) faults[name] = `Enter a whole number between ${least} and ${most.toLocaleString('en')}.`
  }
  number('group_seconds', draft.groupSeconds, 0, 3_600)
  number('repeat_minutes', draft.repeatMinutes, 0, 10_080)
  if (draft.escalateTo !== '') number('after_minutes', draft.escalateAfter, 1, 1_440)
  return faults
}

function targetFaults(draft: NotifierDraft, isNew: boolean): NotifierFaults {
  const text = (name: string) => (draft.fields[name] ?? '').trim()
  const faults: NotifierFaults = {}
  if (draft.kind === 'web_push') return draft.userIds.length === 0 ? { user_ids: 'Choose at least one user.' } : faults
  if (draft.kind === 'email') return mailFaults(draft, text, isNew)
  for (const { name, label, isSecret = false, isOptional = false } of fieldsOfKind[draft.kind] ?? []) {
    const isWeb = name === 'url' || name === 'server'
    const isKept = isSecret && !isNew
    if (text(name) === '') {
      if (!isOptional && !isKept && name !== 'server') faults[name] = `Enter the ${label.toLowerCase()}.`
    } else if (isWeb && !/^https?:\/\/./i.test(text(name))) {
      faults[name] = 'Enter a whole address, such as https://example.com.'
    }
  }
  return faults
}

function mailFaults({ isOwnServer }: NotifierDraft, text: (name: string) => string, isNew: boolean): NotifierFaults {
  const to = text('to').split(/[\s,;]+/)
  const wrong = to.filter(address => address !== '' && !isAddress(address))
  const port = text('smtp_port') === '' ? 465 : Number(text('smtp_port'))
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535
  const server = {
    ...(text('smtp_host') === '' && { smtp_host: 'Enter the server.' }),
    ...(!isPort && { smtp_port: 'Enter a port between 1 and 65535.' }),
    ...(!isAddress(text('from')) && { from: 'Enter the full address, such as alerts@example.org.' }),
    ...(text('smtp_user') === '' && { smtp_user: 'Enter the user.' }),
    ...(isNew && text('smtp_password') === '' && { smtp_password: 'Enter the password.' }),
  }
  return {
    ...(text('to') === '' && { to: 'Enter at least one address.' }),
    ...(wrong.length > 0 && { to: `Not an email address: ${wrong.join(', ')}` }),
    ...(isOwnServer ? server : text('account_id') === '' && { account_id: 'Choose an account.' }),
  }
}

/**
 * @param errors The server's errors, with paths such as `body.target.smtp.port`. Those without a field in the form are
 * left out.
 */
export function faultsOfServer(errors: readonly { path: string; message: string }[] = []): NotifierFaults {
  const faults: NotifierFaults = {}
  for (const { path, message } of errors) {
    const name = path
      .replace(/^body\.(target\.|escalate\.)?/, '')
      .replace(/^smtp\./, 'smtp_')
      .replace(/\..*$/, '')
    if (named.has(name)) faults[name] ??= `${message.charAt(0).toUpperCase()}${message.slice(1)}`
  }
  return faults
}
