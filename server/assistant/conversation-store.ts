/** Conversations, their answers and parts in the database. */
import { sql, type Transaction } from 'kysely'
import { conversationBounds } from '../../contract/answers.ts'
import type { Database } from '../platform/database/database.ts'
import { isOutdated } from '../platform/database/database-fault.ts'
import { later } from '../platform/database/later.ts'
import type { Tables } from '../platform/database/tables.ts'
import type { AnswerRow, ConversationRow, PartsRow, UsageRow } from './conversation-tables.ts'

export interface ConversationQuery {
  q?: string | undefined
  limit: number
  before?: { updatedAt: string; id: string } | undefined
}

export interface ListedConversation extends ConversationRow {
  answers: number
  /** The state of its last answer; undefined while it has none. */
  state: string | undefined
}

/** Changes that are stored together with parts, in one transaction. */
export interface AnswerChange {
  answer: Partial<Omit<AnswerRow, 'id' | 'conversation_id'>>
  /** Spending since the last change. */
  spent?: { tokens: number; costUsd: number | null; owner: string; day: string } | undefined
  at: string
}

type Spending = Pick<UsageRow, 'tokens' | 'cost_usd'>

const open = ['running', 'waiting'] as const
const unspent: Spending = { tokens: 0, cost_usd: 0 }

export class ConversationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(owner: string, id: string): Promise<ConversationRow | undefined> {
    const row = await this.#db
      .selectFrom('conversations')
      .selectAll()
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirst()
    return row && asNumbers(row)
  }

  /** Evicts the oldest inactive ones. @returns Their ids, and what the owner has spent on that day. */
  async add(row: ConversationRow, answer: AnswerRow): Promise<{ evicted: string[]; today: Spending }> {
    const { evicted, usage } = await this.#db.transaction().execute(async transaction => {
      await later(transaction, transaction.insertInto('conversations').values(row))
      await later(transaction, transaction.insertInto('conversation_answers').values(answer))
      const old = transaction
        .selectFrom('conversations')
        .select('id')
        .where('owner', '=', row.owner)
        .where('id', '!=', row.id)
        .orderBy('updated_at', 'desc')
        .orderBy('id', 'desc')
        .limit(10)
        .offset(conversationBounds.kept - 1)
      const eviction = transaction.deleteFrom('conversations').where('id', 'in', old).returning('id')
      return {
        evicted: await later(transaction, eviction),
        usage: await later(transaction, spentOn(transaction, row.owner, answer.asked_at.slice(0, 10))),
      }
    })
    const [{ rows }, spent] = await Promise.all([evicted.answer, usage.answer])
    return { evicted: rows.map(({ id }) => id), today: spent.rows[0] ?? unspent }
  }

  /** @param replaces An answer to delete. @returns True if its conversation still exists. */
  async addAnswer(answer: AnswerRow, replaces: string | undefined): Promise<boolean> {
    const work = this.#db.transaction().execute(async transaction => {
      const touched = transaction
        .updateTable('conversations')
        .set({ updated_at: answer.asked_at })
        .where('id', '=', answer.conversation_id)
      await later(transaction, touched, 1)
      if (replaces !== undefined) {
        await later(transaction, transaction.deleteFrom('conversation_answers').where('id', '=', replaces))
      }
      await later(transaction, transaction.insertInto('conversation_answers').values(answer))
    })
    return unlessOutdated(work)
  }

  /** Returns the one changed last first. */
  async list(owner: string, { q, limit, before }: ConversationQuery): Promise<ListedConversation[]> {
    let query = this.#db.selectFrom('conversations').selectAll().where('owner', '=', owner)
    if (before) {
      query = query.where(({ or, and, eb }) =>
        or([
          eb('updated_at', '<', before.updatedAt),
          and([eb('updated_at', '=', before.updatedAt), eb('id', '<', before.id)]),
        ]),
      )
    }
    for (const like of patternsOf(q ?? '')) {
      query = query.where(
        sql<boolean>`(lower(title) like ${like} escape '\\' or exists (select 1 from conversation_answers as a
          where a.conversation_id = conversations.id
          and (lower(a.question) like ${like} escape '\\' or lower(a.said) like ${like} escape '\\')))`,
      )
    }
    const rows = await query.orderBy('updated_at', 'desc').orderBy('id', 'desc').limit(limit).execute()
    return this.#withAnswers(rows)
  }

  /** Returns those that match by title and questions alone. */
  async findUnsaid(ids: readonly string[], q: string): Promise<string[]> {
    let query = this.#db.selectFrom('conversations').select('id').where('id', 'in', ids)
    for (const like of patternsOf(q)) {
      query = query.where(
        sql<boolean>`(lower(title) like ${like} escape '\\' or exists (select 1 from conversation_answers as a
          where a.conversation_id = conversations.id and lower(a.question) like ${like} escape '\\'))`,
      )
    }
    return (await query.execute()).map(({ id }) => id)
  }

  async listFacts(ids: readonly string[]): Promise<Pick<AnswerRow, 'conversation_id' | 'facts'>[]> {
    if (ids.length === 0) return []
    return this.#db
      .selectFrom('conversation_answers')
      .select(['conversation_id', 'facts'])
      .where('conversation_id', 'in', ids)
      .execute()
  }

  async listed(row: ConversationRow): Promise<ListedConversation> {
    const [listed] = await this.#withAnswers([row])
    return listed!
  }

  async #withAnswers(rows: readonly ConversationRow[]): Promise<ListedConversation[]> {
    const ids = rows.map(({ id }) => id)
    if (ids.length === 0) return []
    const counts = await this.#db
      .selectFrom('conversation_answers')
      .select(({ fn }) => ['conversation_id', fn.countAll().as('count'), fn.max('id').as('newest')])
      .where('conversation_id', 'in', ids)
      .groupBy('conversation_id')
      .execute()
    const newest = counts.flatMap(({ newest }) => (newest === null ? [] : [newest]))
    const states =
      newest.length === 0
        ? []
        : await this.#db.selectFrom('conversation_answers').select(['id', 'state']).where('id', 'in', newest).execute()
    const stateOf = new Map(states.map(({ id, state }) => [id, state]))
    const countOf = new Map(counts.map(each => [each.conversation_id, each]))
    return rows.map(row => {
      const found = countOf.get(row.id)
      return { ...asNumbers(row), answers: Number(found?.count ?? 0), state: stateOf.get(found?.newest ?? '') }
    })
  }

  async rename(id: string, title: string): Promise<void> {
    await this.#db.updateTable('conversations').set({ title }).where('id', '=', id).execute()
  }

  async keepSummary(id: string, summary: string): Promise<void> {
    await this.#db.updateTable('conversations').set({ summary }).where('id', '=', id).execute()
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom('conversations').where('id', '=', id).execute()
  }

  async deleteOf(owner: string): Promise<void> {
    await this.#db.deleteFrom('conversations').where('owner', '=', owner).execute()
    await this.#db.deleteFrom('assistant_usage').where('owner', '=', owner).execute()
  }

  /** Deletes conversations not touched since, and spending of earlier days. */
  async prune(before: string): Promise<void> {
    await this.#db.deleteFrom('conversations').where('updated_at', '<', before).execute()
    await this.#db.deleteFrom('assistant_usage').where('day', '<', before.slice(0, 10)).execute()
  }

  async findAnswer(conversationId: string, id: string): Promise<AnswerRow | undefined> {
    return this.#db
      .selectFrom('conversation_answers')
      .selectAll()
      .where('id', '=', id)
      .where('conversation_id', '=', conversationId)
      .executeTakeFirst()
  }

  /** Returns the newest first. */
  async listAnswers(conversationId: string, limit: number = conversationBounds.messages): Promise<AnswerRow[]> {
    return this.#db
      .selectFrom('conversation_answers')
      .selectAll()
      .where('conversation_id', '=', conversationId)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
  }

  /** Lists open answers of all conversations: at a start those that nothing works on, later those that have expired. */
  async listOpen(state: (typeof open)[number], expiredAt?: string): Promise<(AnswerRow & { owner: string })[]> {
    let query = this.#db
      .selectFrom('conversation_answers')
      .innerJoin('conversations', 'conversations.id', 'conversation_answers.conversation_id')
      .selectAll('conversation_answers')
      .select('conversations.owner')
      .where('state', '=', state)
      .limit(1_000)
    if (expiredAt !== undefined) query = query.where('expires_at', '<=', expiredAt)
    return query.execute()
  }

  /** Returns the chunks with the parts after a number; the first chunk may begin before it. */
  async listParts(answerId: string, after = 0): Promise<PartsRow[]> {
    return this.#db
      .selectFrom('conversation_parts')
      .selectAll()
      .where('answer_id', '=', answerId)
      .where(
        'first',
        '>=',
        sql<number>`coalesce((select max(p.first) from conversation_parts as p where p.answer_id = ${answerId} and p.first <= ${after + 1}), 0)`,
      )
      .orderBy('first')
      .execute()
  }

  async listPartsOf(answerIds: readonly string[]): Promise<PartsRow[]> {
    if (answerIds.length === 0) return []
    return this.#db
      .selectFrom('conversation_parts')
      .selectAll()
      .where('answer_id', 'in', answerIds)
      .orderBy('answer_id')
      .orderBy('first')
      .execute()
  }

  /** Returns false if the answer is gone. */
  async keep(row: AnswerRow, parts: PartsRow | undefined, change: AnswerChange): Promise<boolean> {
    return unlessOutdated(this.#db.transaction().execute(transaction => keep(transaction, row, parts, change)))
  }

  async usageOf(owner: string, day: string): Promise<Spending> {
    return (await spentOn(this.#db, owner, day).executeTakeFirst()) ?? unspent
  }
}

/** Returns a LIKE pattern for each word of the query. */
function patternsOf(q: string): string[] {
  const words = q.replaceAll('\0', '\ufffd').toLowerCase().split(/\s+/).filter(Boolean).slice(0, 10)
  return words.map(word => `%${word.replaceAll(/[\\%_]/g, sign => `\\${sign}`)}%`)
}

/** Returns false if the conversation or answer was deleted meanwhile. */
async function unlessOutdated(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if (isOutdated(error)) return false
    throw error
  }
}

function spentOn(db: Database, owner: string, day: string) {
  return db
    .selectFrom('assistant_usage')
    .select(['tokens', 'cost_usd'])
    .where('owner', '=', owner)
    .where('day', '=', day)
}

/** Sends all statements together. @throws OutdatedTransaction if the answer is gone. */
async function keep(
  transaction: Transaction<Tables>,
  row: AnswerRow,
  parts: PartsRow | undefined,
  { answer, spent, at }: AnswerChange,
): Promise<void> {
  const changed = transaction
    .updateTable('conversation_answers')
    .set({ ...answer, conversation_id: row.conversation_id })
    .where('id', '=', row.id)
  await later(transaction, changed, 1)
  if (parts) await later(transaction, transaction.insertInto('conversation_parts').values(parts))
  const { tokens = 0, costUsd = null } = spent ?? {}
  const counted = transaction
    .updateTable('conversations')
    .set(({ eb }) => ({
      updated_at: at,
      tokens: eb('tokens', '+', tokens),
      ...(costUsd !== null && { cost_usd: sql<number>`coalesce(cost_usd, 0) + ${costUsd}` }),
    }))
    .where('id', '=', row.conversation_id)
  await later(transaction, counted)
  if (spent) await later(transaction, usageOn(transaction, row, { ...spent, cost_usd: costUsd ?? 0 }))
}

/** Adds spending to the user of the conversation, with whom it is deleted. */
function usageOn(
  db: Database,
  { conversation_id: id }: AnswerRow,
  { owner, day, tokens, cost_usd }: Omit<UsageRow, 'user_id'>,
) {
  return db
    .insertInto('assistant_usage')
    .values({
      ...{ owner, day, tokens, cost_usd },
      user_id: sql<string | null>`(select user_id from conversations where id = ${id})`,
    })
    .onConflict(conflict =>
      conflict.columns(['owner', 'day']).doUpdateSet(({ eb }) => ({
        tokens: eb('assistant_usage.tokens', '+', tokens),
        cost_usd: eb('assistant_usage.cost_usd', '+', cost_usd),
      })),
    )
}

function asNumbers<Row extends ConversationRow>(row: Row): Row {
  return { ...row, tokens: Number(row.tokens), cost_usd: row.cost_usd === null ? null : Number(row.cost_usd) }
}
