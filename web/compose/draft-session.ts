/**
 * A draft being edited: the form on screen, the server's revision, and one request at a time between them. Changes that
 * cannot be saved stay on screen and are retried.
 */
import type { Draft } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { changedFields, changeOf, type DraftForm, type FormField, formOf, mergeForms } from './draft-form.ts'
import { type Upload, uploadFile } from './upload.ts'

export interface DraftConflict {
  theirs: Draft
  fields: readonly FormField[]
}

export interface DraftSnapshot {
  draft: Draft
  form: DraftForm
  saving: 'saved' | 'waiting' | 'saving' | 'failed'
  error: Error | undefined
  conflict: DraftConflict | undefined
  /** Uploads in progress, and those that failed. */
  uploads: readonly Upload[]
}

/** Debounce after the last keystroke, in milliseconds. */
const quietMs = 800
const retryMs = 5_000

export class DraftSession {
  readonly #listeners = new Set<() => void>()
  #snapshot: DraftSnapshot
  /** The last form that this page knows the server to have. */
  #base: DraftForm
  #queue: Promise<unknown> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | undefined
  #uploads = 0

  constructor(draft: Draft) {
    this.#base = formOf(draft)
    this.#snapshot = { draft, form: this.#base, saving: 'saved', error: undefined, conflict: undefined, uploads: [] }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): DraftSnapshot => this.#snapshot

  change(change: Partial<DraftForm>): void {
    this.#set({ form: { ...this.#snapshot.form, ...change }, saving: 'waiting' })
    this.#later(quietMs)
  }

  /** Saves pending changes. Resolves with whether all of them are saved. */
  flush(): Promise<boolean> {
    clearTimeout(this.#timer)
    return this.#enqueue(() => this.#save())
  }

  /** Reloads the draft, which someone else may have changed, and merges it. */
  refresh(): Promise<void> {
    return this.#enqueue(async () => {
      const theirs = await call(draftsApi.getDraft, { params: this.#params })
      if (theirs.rev > this.#snapshot.draft.rev || theirs.state !== this.#snapshot.draft.state) this.#meet(theirs)
    })
  }

  /** Resolves a conflict with the form that the user chose. */
  resolve(form: DraftForm): void {
    const { conflict } = this.#snapshot
    if (!conflict) return
    this.#base = formOf(conflict.theirs)
    this.#set({ form, draft: conflict.theirs, conflict: undefined, saving: 'waiting' })
    this.#later(0)
  }

  attach(file: File): void {
    const id = `u${this.#uploads++}`
    const ending = new AbortController()
    const upload: Upload = {
      id,
      name: file.name,
      size: file.size,
      sent: 0,
      error: undefined,
      cancel: () => ending.abort(),
    }
    this.#set({ uploads: [...this.#snapshot.uploads, upload] })
    const send = async () => {
      if (ending.signal.aborted) return
      await this.#save()
      const saved = await uploadFile({
        ...this.#params,
        rev: this.#snapshot.draft.rev,
        file,
        signal: ending.signal,
        onProgress: sent => this.#changeUpload(id, { sent }),
      })
      this.#accept(saved)
      this.dismissUpload(id)
    }
    this.#enqueue(send).catch(async (error: Error) => {
      if (ending.signal.aborted) return this.dismissUpload(id)
      this.#changeUpload(id, { error })
      await this.refresh().catch(() => undefined)
    })
  }

  dismissUpload(id: string): void {
    this.#set({ uploads: this.#snapshot.uploads.filter(each => each.id !== id) })
  }

  removeAttachment(attachmentId: string): Promise<void> {
    return this.#enqueue(async () => {
      const params = { ...this.#params, attachment_id: attachmentId }
      const query = { rev: String(this.#snapshot.draft.rev) }
      this.#accept(await call(draftsApi.removeAttachment, { params, query }))
    })
  }

  /** Ends the session, but keeps retrying unsaved changes; a closing window waits for `flush` first. */
  stop(): void {
    clearTimeout(this.#timer)
  }

  get #params() {
    const { account_id, id } = this.#snapshot.draft
    return { account_id, draft_id: id }
  }

  async #save(): Promise<boolean> {
    for (;;) {
      const { draft, form, conflict } = this.#snapshot
      if (conflict) return false
      const change = changeOf(this.#base, form, draft)
      if (!change) {
        this.#set({ saving: 'saved', error: undefined })
        return true
      }
      this.#set({ saving: 'saving' })
      try {
        this.#accept(await call(draftsApi.changeDraft, { params: this.#params, body: change }), form)
      } catch (error) {
        if (!(error instanceof ApiProblem && error.code === 'draft_changed')) return this.#fail(error as Error)
        const theirs = await call(draftsApi.getDraft, { params: this.#params }).catch((reason: Error) => reason)
        if (theirs instanceof Error) return this.#fail(theirs)
        this.#meet(theirs)
      }
    }
  }

  #fail(error: Error): false {
    this.#set({ saving: 'failed', error })
    const isFinal = error instanceof ApiProblem && error.status >= 400 && error.status < 500
    if (!isFinal) this.#later(retryMs)
    return false
  }

  /**
   * Adopts the server's draft.
   * @param form The form saved with it; the server may normalise its values, which does not count as a local change.
   */
  #accept(draft: Draft, form = this.#base): void {
    this.#base = form
    this.#set({ draft })
  }

  #meet(theirs: Draft): void {
    const { form: mine } = this.#snapshot
    const { form, conflicts } = mergeForms(this.#base, mine, formOf(theirs))
    if (conflicts.length > 0) return this.#set({ conflict: { theirs, fields: conflicts }, form })
    this.#base = formOf(theirs)
    const isDone = changedFields(this.#base, form).length === 0
    this.#set({ draft: theirs, form, saving: isDone ? 'saved' : 'waiting' })
    if (!isDone) this.#later(quietMs)
  }

  #later(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush().catch(() => undefined), ms)
  }

  /** Queues a request; the failure of one does not affect the next. */
  #enqueue<Result>(act: () => Promise<Result>): Promise<Result> {
    const done = this.#queue.then(act)
    this.#queue = done.catch(() => undefined)
    return done
  }

  #changeUpload(id: string, change: Partial<Upload>): void {
    this.#set({ uploads: this.#snapshot.uploads.map(each => (each.id === id ? { ...each, ...change } : each)) })
  }

  #set(change: Partial<DraftSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change }
    for (const listener of this.#listeners) listener()
  }
}
