/** How much of its rates a caller has used, counted when something is accepted, whatever its outcome. */
import type { PolicyFinding, TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../platform/database/database.ts'
import type { PolicyStore } from './policy-store.ts'

const hour = 60 * 60_000
const day = 24 * hour

type Sending = TokenPolicy['sending']
type Rule = PolicyFinding['rule']

export interface Rates {
  sent_hour: number
  sent_day: number
  recipients_hour: number
  recipients_day: number
  changes_hour: number
}

export class PolicyRates {
  readonly #store: PolicyStore
  readonly #now: () => number

  constructor(store: PolicyStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  async used(principalId: string): Promise<Rates> {
    const [ofHour, ofDay, changes] = [
      await this.#store.used(principalId, 'send', this.#before(hour)),
      await this.#store.used(principalId, 'send', this.#before(day)),
      await this.#store.used(principalId, 'change', this.#before(hour)),
    ]
    return {
      sent_hour: ofHour.messages,
      sent_day: ofDay.messages,
      recipients_hour: ofHour.recipients,
      recipients_day: ofDay.recipients,
      changes_hour: changes.messages,
    }
  }

  /**
   * Returns the rates that another message would exceed. @param db The transaction that stores the message, so that no
   * other one intervenes.
   */
  async findings(principalId: string, sending: Sending, recipients: number, db?: Database): Promise<PolicyFinding[]> {
    const ofHour = await this.#store.used(principalId, 'send', this.#before(hour), db)
    const ofDay = await this.#store.used(principalId, 'send', this.#before(day), db)
    return [
      ...tooMany('max_per_hour', 'messages an hour', sending.max_per_hour, ofHour.messages, 1),
      ...tooMany('max_per_day', 'messages a day', sending.max_per_day, ofDay.messages, 1),
      ...tooMany(
        'max_recipients_per_hour',
        'recipients an hour',
        sending.max_recipients_per_hour,
        ofHour.recipients,
        recipients,
      ),
      ...tooMany(
        'max_recipients_per_day',
        'recipients a day',
        sending.max_recipients_per_day,
        ofDay.recipients,
        recipients,
      ),
    ]
  }

  async countSend(transaction: Database, principalId: string, recipients: number): Promise<void> {
    await this.#store.addUse(transaction, {
      principal_id: principalId,
      kind: 'send',
      at: this.#before(0),
      messages: 1,
      recipients,
    })
  }

  async changeFindings(
    principalId: string,
    most: number | null,
    messages: number,
    db: Database,
  ): Promise<PolicyFinding[]> {
    const used = await this.#store.used(principalId, 'change', this.#before(hour), db)
    return tooMany('max_changes_per_hour', 'changed messages an hour', most, used.messages, messages)
  }

  async countChanges(db: Database, principalId: string, messages: number): Promise<void> {
    await this.#store.addUse(db, {
      principal_id: principalId,
      kind: 'change',
      at: this.#before(0),
      messages,
      recipients: 0,
    })
  }

  /** Deletes uses that no rate covers any longer. */
  async forget(): Promise<void> {
    await this.#store.forgetUses(this.#before(day + hour))
  }

  #before(ms: number): string {
    return new Date(this.#now() - ms).toISOString()
  }
}

function tooMany(rule: Rule, what: string, most: number | null, used: number, wanted: number): PolicyFinding[] {
  if (most === null || used + wanted <= most) return []
  return [
    { rule, effect: 'deny', why: `At most ${most} ${what} are allowed; ${used} are used, and this needs ${wanted}.` },
  ]
}
