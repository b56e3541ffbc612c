/** Drafts on a real database, composed by the real parts, without a server around them. */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import type { NewDraft } from '../../contract/draft.ts'
import { Blobs } from '../../server/blobs/blobs.ts'
import { AnsweredMessages, type AnsweredMessagesOptions } from '../../server/drafts/answered-messages.ts'
import { AttachmentFiles, type AttachmentFilesOptions } from '../../server/drafts/attachment-files.ts'
import { ComposedMessages } from '../../server/drafts/composed-messages.ts'
import { DraftAttachments } from '../../server/drafts/draft-attachments.ts'
import { DraftComposer } from '../../server/drafts/draft-composer.ts'
import { DraftCopyStore } from '../../server/drafts/draft-copy-store.ts'
import { DraftKeys } from '../../server/drafts/draft-keys.ts'
import { DraftService, type DraftServiceOptions } from '../../server/drafts/draft-service.ts'
import { DraftStore } from '../../server/drafts/draft-store.ts'
import { DraftWarnings, type DraftWarningsOptions } from '../../server/drafts/draft-warnings.ts'
import { IdentityService } from '../../server/drafts/identity-service.ts'
import { IdentityStore } from '../../server/drafts/identity-store.ts'
import { MessageRefs } from '../../server/imap/message-ref.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { everyScope, type Principal } from '../../server/platform/principal.ts'
import { Problem } from '../../server/platform/problem.ts'
import type { ProposalIntake } from '../../server/platform/proposal-intake.ts'
import { Signer } from '../../server/platform/secret-box.ts'
import { HtmlCleaner } from '../../server/reading/html-cleaner.ts'
import { OutgoingBodies } from '../../server/reading/outgoing-bodies.ts'
import { TextWorker } from '../../server/reading/text-worker.ts'
import { startHub } from './event-hub.ts'
import { keepAccount } from './watched-accounts.ts'

export const { signal } = new AbortController()

export function writer(id: string, more: Partial<Principal> = {}): Principal {
  return { id, name: id, kind: 'token', userId: null, scopes: everyScope, accounts: new Set(['a', 'b']), ...more }
}

export const agent = writer('token-agent')
export const ann = writer('session-1', { kind: 'session', userId: 'ann', accounts: 'all' })

export interface DraftWorldOptions {
  db?: Database
  email?: string
  bounds?: DraftServiceOptions['bounds']
  restMs?: number
  contacts?: DraftWarningsOptions
  mail?: DraftMail
  /** Receives the proposals of tokens that may only propose. */
  intake?: ProposalIntake
  taintOf?: DraftServiceOptions['taintOf']
}

export type DraftMail = AnsweredMessagesOptions['mail'] & AttachmentFilesOptions['mail']

const noContacts: DraftWarningsOptions = {
  index: { of: () => absent() },
  isIndexed: () => false,
  writtenTo: () => absent(),
}
const absent = () => {
  throw new Error('there is no mail here')
}
const noMail: DraftMail = { getMessage: absent, openAttachment: absent, files: { openRaw: absent } }

export async function startDrafts(given: DraftWorldOptions = {}) {
  const { bounds, restMs, intake } = given
  let { email = 'ann@example.org' } = given
  const { hub, db, facts } = await startHub(given.db)
  for (const id of ['a', 'b']) await keepAccount(db, id)
  const worker = new TextWorker()
  onTestFinished(() => worker.stop())
  const disabled = new Set<string>()
  const accounts = {
    get: async (_principal: Principal, id: string) => {
      if (!['a', 'b'].includes(id)) throw new Problem('account_not_found', 'There is no such account.')
      return { email, enabled: !disabled.has(id), imap: { user: 'ann' } }
    },
  } as unknown as DraftServiceOptions['accounts']
  const store = new DraftStore(db)
  const blobs = new Blobs(db)
  const bodies = new OutgoingBodies(worker)
  const identities = new IdentityService(new IdentityStore(db), accounts)
  const mail = given.mail ?? noMail
  const files = new AttachmentFiles({ store, blobs, mail })
  const answers = new AnsweredMessages({ mail, bodies })
  const copies = new DraftCopyStore(db)
  const warnings = new DraftWarnings(given.contacts ?? noContacts)
  const refs = new MessageRefs(new Signer(randomBytes(32)))
  const wired = {
    store,
    keys: new DraftKeys(store),
    blobs,
    hub,
    accounts,
    identities,
    answers,
    files,
    copies,
    refs,
    warnings,
    taintOf: given.taintOf ?? (async () => null),
  }
  const drafts = new DraftService({
    ...wired,
    ...(intake && { intake }),
    ...(bounds && { bounds }),
    ...(restMs !== undefined && { restMs }),
  })
  const attachments = new DraftAttachments({ drafts, store, blobs, files })
  const composer = new DraftComposer({ drafts, store, blobs, bodies, hub, accounts })
  const messages = new ComposedMessages({ blobs, cleaner: new HtmlCleaner(worker) })
  const world = {
    ...{ db, hub, facts, disabled, store, blobs, drafts, composer, attachments, messages, identities, copies },
    /** Changes the address of the accounts from now on. */
    setEmail: (next: string) => {
      email = next
    },
    create: (input: Partial<NewDraft> = {}, principal = agent) =>
      drafts.create(principal, 'a', { mode: 'new', ...input }, signal),
    compose: async (draft: { id: string; rev: number }, principal = agent) => {
      const composed = await composer.compose(principal, 'a', draft.id, draft.rev, signal)
      return { composed, bytes: await contentOf(blobs.read(composed.blobId)) }
    },
    attach: (draft: { id: string; rev: number }, name: string, bytes: Buffer, type?: string) =>
      attachments.add({ principal: agent, accountId: 'a', draftId: draft.id }, draft.rev, {
        ...{ name, type },
        bytes: piecesOf(bytes),
      }),
  }
  return world
}

export async function* piecesOf(bytes: Buffer, length = 50_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

export async function contentOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}
