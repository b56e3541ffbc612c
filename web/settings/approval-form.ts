/** The form of the approval settings, validated against the contract. */
import { type ApprovalSettings, approvalBounds } from '../../contract/approvals.ts'

export interface ApprovalForm {
  approvers: string
  expires_hours: string
  /** Empty: a session of any age may approve. */
  fresh_sign_in_minutes: string
  undo_seconds: string
  own_tokens: boolean
  passkey: boolean
}

const figures = ['approvers', 'expires_hours', 'fresh_sign_in_minutes', 'undo_seconds'] as const

export function formOf(settings: ApprovalSettings): ApprovalForm {
  return {
    approvers: String(settings.approvers),
    expires_hours: String(settings.expires_hours),
    fresh_sign_in_minutes: String(settings.fresh_sign_in_minutes ?? ''),
    undo_seconds: String(settings.undo_seconds),
    own_tokens: settings.own_tokens,
    passkey: settings.passkey,
  }
}

export function settingsOf(form: ApprovalForm): ApprovalSettings {
  const minutes = form.fresh_sign_in_minutes.trim()
  return {
    approvers: figureOf(form.approvers),
    expires_hours: figureOf(form.expires_hours),
    fresh_sign_in_minutes: minutes === '' ? null : figureOf(minutes),
    undo_seconds: figureOf(form.undo_seconds),
    own_tokens: form.own_tokens,
    passkey: form.passkey,
  }
}

/** Returns NaN for anything but a whole number, which fits no bound. */
function figureOf(text: string): number {
  return /^\d{1,6}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN
}

export function faultsOf(form: ApprovalForm): Partial<Record<keyof ApprovalForm, string>> {
  const settings = settingsOf(form)
  const isRight = (name: (typeof figures)[number]) => {
    const [least, most] = approvalBounds[name]
    const figure = settings[name]
    return (
      (figure === null && name === 'fresh_sign_in_minutes') || (figure !== null && figure >= least && figure <= most)
    )
  }
  return Object.fromEntries(figures.filter(name => !isRight(name)).map(name => [name, 'Enter a number in this range.']))
}
