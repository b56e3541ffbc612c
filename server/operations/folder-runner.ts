/**
 * Runs operations on folders. As with messages, the intent is committed, the command is sent once, and the state on the
 * mail server is read before anything is repeated.
 */
import type { OperationState } from '../../contract/operations.ts'
import { type FolderWriter, UnknownOutcome } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { Problem } from '../platform/problem.ts'
import { type FolderArguments, type FolderKind, renamedBy } from './folder-kinds.ts'
import { type FolderRequest, lookAtFolder } from './folder-look.ts'
import { changedFact } from './operation-facts.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { countsOf, stateOf } from './operation-work.ts'
import type { RunnerOptions } from './runner-options.ts'
import type { Values } from './source-messages.ts'
import { isRefusal, TryLater, wordsOf } from './step-outcomes.ts'

export class FolderRunner {
  readonly #options: RunnerOptions

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** Runs the operation until it is settled. @throws TryLater, and errors that are not the mail server's. */
  async run(operation: OperationRow, signal: AbortSignal): Promise<void> {
    const { store, pool, accountId, isHeld } = this.#options
    const [item] = await store.items(operation.id)
    if (!item) throw new Error('an operation on a folder without one')
    const args = JSON.parse(operation.arguments) as FolderArguments
    const kind = operation.kind as FolderKind
    const asked = { kind, args, isUndo: operation.undo_of !== null }
    const look = (isSent: boolean) => this.#look({ ...asked, isSent }, signal)
    const tidied = async (state: Values) => {
      if (state.state === 'done') await this.#tidy(kind, args, signal)
      return state
    }
    const state = item.state === 'sent' ? await tidied(await look(true)) : { state: 'waiting' as const }
    if (state.state !== 'waiting') return this.#save(operation, item, state)
    const first = await look(false)
    if (first.state !== 'sent') return this.#save(operation, item, first)
    await this.#save(operation, item, first)
    const send = async (writer: FolderWriter) =>
      (await isHeld(operation)) ? ('held' as const) : perform(writer, kind, args)
    const told = await pool.runOnce(accountId, 'interactive', send, signal).catch((error: unknown) => {
      signal.throwIfAborted()
      return error instanceof UnknownOutcome || error instanceof Problem ? error : Promise.reject(error)
    })
    if (told === 'held') return this.#save(operation, item, { state: 'waiting' })
    if (told instanceof Problem && isRefusal(told)) return this.#save(operation, item, refused(told))
    if (told instanceof Problem) {
      await this.#save(operation, item, { state: 'waiting' })
      throw new TryLater(told)
    }
    const done = told ? await tidied(await look(true)) : ({ state: 'done' } as const)
    await this.#save(operation, item, done)
    if (done.state === 'waiting') throw new TryLater(new Error('the mail server has not done it'))
  }

  async giveUp(operation: OperationRow, why: string): Promise<void> {
    const [item] = await this.#options.store.items(operation.id)
    if (!item) return
    const isSent = item.state === 'sent'
    await this.#save(operation, item, {
      state: isSent ? 'unknown' : 'failed',
      code: isSent ? 'unknown' : 'gave_up',
      why,
    })
  }

  async #look(asked: FolderRequest, signal: AbortSignal): Promise<Values> {
    const { pool, accountId } = this.#options
    try {
      const work = (connection: MailConnection) => lookAtFolder(connection, asked)
      return await pool.run(accountId, 'interactive', work, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Problem)) throw error
      if (!isRefusal(error) && !ours.includes(error.code)) throw new TryLater(error)
      return refused(error)
    }
  }

  /** Sets subscriptions after a lost connection may have separated them from the change. Idempotent. */
  async #tidy(kind: FolderKind, { folder, to = folder }: FolderArguments, signal: AbortSignal): Promise<void> {
    const { pool, accountId } = this.#options
    const wanted: [path: string, isSubscribed: boolean][] = []
    if (kind === 'create_folder' || kind === 'rename_folder') wanted.push([to, true])
    if (kind === 'rename_folder' || kind === 'delete_folder') wanted.push([folder, false])
    for (const [path, isSubscribed] of wanted) {
      const send = (writer: FolderWriter) => writer.setSubscribed(path, isSubscribed)
      await pool.runOnce(accountId, 'interactive', send, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        if (error instanceof Problem && isRefusal(error)) return
        throw error instanceof UnknownOutcome || error instanceof Problem ? new TryLater(error) : error
      })
    }
  }

  async #save(operation: OperationRow, item: ItemRow, change: Values): Promise<void> {
    const { store, moved, shown, hub, lease, noticeFolders } = this.#options
    const args = JSON.parse(operation.arguments) as FolderArguments
    Object.assign(item, change)
    const { waiting, total: _total, ...counts } = countsOf([item])
    const isSettled = waiting === 0
    const state: OperationState = isSettled ? stateOf(countsOf([item])) : 'pending'
    const values = { ...counts, state, ...(isSettled && { settled_at: this.#options.settledAt(), error: null }) }
    const renamed = operation.kind === 'rename_folder' && item.state === 'done' ? renamedBy(args) : undefined
    await hub.transact(async (transaction, publish) => {
      await lease().fence(transaction)
      await store.saveItems(transaction, [{ item, values: change }])
      await store.update(transaction, operation.id, values)
      if (renamed) await moved.renameFolder(transaction, operation.account_id, renamed)
      if (isSettled) publish(changedFact({ ...operation, ...values }))
    })
    Object.assign(operation, values)
    if (renamed) shown.renameFolder(operation.account_id, renamed)
    if (isSettled) noticeFolders()
  }
}

/** Codes of refusals by this server's own rules. */
const ours = ['folder_exists', 'folder_not_empty', 'folder_protected']

function refused(problem: Problem): Values {
  return { state: 'failed', code: problem.code, why: wordsOf(problem) }
}

async function perform(
  writer: FolderWriter,
  kind: FolderKind,
  { folder, to = '', role }: FolderArguments,
): Promise<undefined> {
  switch (kind) {
    case 'create_folder':
      await writer.createFolder(folder, role)
      break
    case 'rename_folder':
      await writer.renameFolder(folder, to)
      break
    case 'delete_folder':
      await writer.deleteFolder(folder)
      break
    default:
      await writer.setSubscribed(folder, kind === 'subscribe_folder')
  }
}
