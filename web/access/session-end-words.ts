/** Explains to a user who was signed out why the session ended. */
import type { SessionEnd } from '../../contract/access.ts'

export const sessionEndWords: Record<SessionEnd, { title: string; detail: string }> = {
  ended_by_administrator: {
    title: 'An administrator ended your session',
    detail: 'Sign in again. If that does not work, ask an administrator.',
  },
  ended_elsewhere: {
    title: 'You ended this session from another browser',
    detail: 'If that was not you, sign in and change your password.',
  },
  password_changed: {
    title: 'Your password was changed',
    detail: 'All other sessions were ended. Sign in with the new password.',
  },
  user_disabled: {
    title: 'Your access was disabled',
    detail: 'Only an administrator, or your sign-in provider, can enable it again.',
  },
  too_many_sessions: {
    title: 'You signed in in too many places',
    detail: 'With more than 50 sessions, the oldest is ended.',
  },
  expired: {
    title: 'Your session expired',
    detail: 'Sessions expire after a week without use, and after 30 days at the latest.',
  },
}
