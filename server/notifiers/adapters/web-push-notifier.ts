/** Sends notices to browsers and phones of users by Web Push: to all that they subscribed in their profile. */
import { badInput } from '../../platform/problem.ts'
import { type AlertContent, alertContent } from '../../push/push-message.ts'
import type { PushOutcome } from '../../push/push-sender.ts'
import { textOf } from '../notice-words.ts'
import type { NoticeOutcome, Notifier } from '../notifier.ts'

export interface WebPushOptions<Browser> {
  /** Returns the browsers of a user that may see all of this; a string says why there are none. */
  browsersOf(userId: string, accountIds: readonly (string | null)[]): Promise<readonly Browser[] | string>
  deliver(browser: Browser, content: AlertContent, signal: AbortSignal): Promise<PushOutcome>
  hasUser(userId: string): Promise<boolean>
}

export function webPushNotifier<Browser>(options: WebPushOptions<Browser>): Notifier<'web_push'> {
  const { browsersOf, deliver, hasUser } = options
  return {
    kind: 'web_push',
    check: async ({ user_ids: userIds }) => {
      for (const id of userIds) {
        if (await hasUser(id)) continue
        throw badInput('body.target.user_ids', `there is no user ${id}`)
      }
    },
    send: async ({ user_ids: userIds }, message, signal) => {
      const about = message.alerts.map(({ account_id: id }) => id)
      const outcomes: PushOutcome[] = []
      const missing: string[] = []
      for (const userId of new Set(userIds)) {
        const browsers = await browsersOf(userId, about)
        if (typeof browsers === 'string') missing.push(browsers)
        else {
          const content = alertContent(message.id, message.title, textOf({ ...message, title: '' }))
          outcomes.push(...(await Promise.all(browsers.map(browser => deliver(browser, content, signal)))))
        }
      }
      return together(outcomes, missing)
    },
  }
}

/** The notice counts as sent if one browser got it, since a retry would notify that one twice. */
function together(outcomes: readonly PushOutcome[], missing: readonly string[]): NoticeOutcome {
  const taken = outcomes.filter(({ kind }) => kind === 'sent').length
  const faults = [...new Set(outcomes.flatMap(outcome => ('why' in outcome ? [outcome.why] : [])))]
  const said = [`${taken} of ${outcomes.length} browsers accepted it.`, ...faults, ...missing].join(' ')
  if (taken > 0) return { kind: 'sent', status: null, said }
  const later = outcomes.flatMap(outcome => (outcome.kind === 'retry' ? [outcome.afterMs ?? 0] : []))
  if (later.length === 0) return { kind: 'refused', status: null, said }
  return { kind: 'retry', status: null, said, afterMs: Math.max(...later) || undefined }
}
