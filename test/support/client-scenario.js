/**
 * What a program does with the client, in any Node and in a browser. Needs a server with the sandbox account; returns
 * the outcomes.
 */

export async function scenario({ createClient, ProblemError, url, token }) {
  const client = createClient({ url, token })
  const { items: accounts } = await client.accounts.listMailAccounts()
  const account_id = accounts[0].id

  const [refs, totals] = [[], []]
  const listed = async (...request) => {
    const page = await client.mail.listMessages(...request)
    totals.push(page.total)
    return page
  }
  // Mail that arrives meanwhile is newer than the first page.
  for await (const { ref } of client.paginate(listed, { account_id, folder: 'INBOX', limit: 10 })) refs.push(ref)
  const [total] = totals

  const refused = async call => {
    const error = await call.then(
      () => undefined,
      thrown => thrown,
    )
    if (!(error instanceof ProblemError)) throw new Error(`no problem, but ${error}`)
    return { code: error.code, status: error.status, paths: error.errors.map(({ path }) => path) }
  }
  const stranger = await refused(createClient({ url, token: 'not-a-token' }).mail.listMessages({ account_id }))
  const nowhere = await refused(client.mail.listMessages({ account_id, folder: 'No such folder' }))
  const faulty = await refused(client.drafts.createDraft({ account_id, to: 17 }))

  const draft = { account_id, subject: 'Once', to: [{ email: 'a@example.com' }] }
  const idempotencyKey = `key-${Math.random()}`
  const drafts = [
    await client.drafts.createDraft(draft, { idempotencyKey }),
    await client.drafts.createDraft(draft, { idempotencyKey }),
  ].map(({ id }) => id)

  const files = await filesOf(client, refused, { account_id, ref: refs[0] })

  const names = ['One', 'Two', 'Three']
  const live = []
  for await (const event of client.events({ types: ['account_updated'], account_id })) {
    if (event.type === 'welcome') {
      for (const name of names) await client.accounts.updateAccount({ account_id, name })
    }
    if (event.type === 'account_updated') live.push(event)
    if (live.length === names.length) break
  }
  const again = []
  for await (const event of client.events({ types: ['account_updated'], lastEventId: live[0].id })) {
    if (event.type === 'account_updated') again.push(event.data.name)
    if (again.length === 2) break
  }
  let gap
  for await (const event of client.events({ types: ['account_updated'], lastEventId: 'none' })) {
    if (event.type === 'gap') gap = event.data.reason
    if (gap) break
  }

  const leaving = new AbortController()
  leaving.abort(new Error('left'))
  const left = await client.system.live({}, { signal: leaving.signal }).catch(error => error.message)

  return {
    listed: { missing: total - refs.length, doubled: refs.length - new Set(refs).size, isLong: totals.length > 2 },
    stranger,
    nowhere,
    faulty,
    isOneDraft: drafts[0] === drafts[1],
    files,
    live: live.map(({ data }) => data.name),
    again,
    gap,
    left,
  }
}

const bytesOf = async ({ body }) => new Uint8Array(await new Response(body).arrayBuffer())
const areSame = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at])

/** Uploads and downloads files, whole and in parts. */
async function filesOf(client, refused, { account_id, ref }) {
  const bytes = new Uint8Array(300_000).map((_, at) => at % 251)
  const draft = await client.drafts.createDraft({ account_id, subject: 'Files' })
  const upload = (rev, file) =>
    client.drafts.uploadAttachment({ account_id, draft_id: draft.id, rev: String(rev), name: 'Plän "1".bin', file })
  let now = await upload(draft.rev, new Blob([bytes], { type: 'application/x-thing' }))
  const stale = await refused(upload(draft.rev, 'late'))
  now = await upload(now.rev, bytes)
  // A browser can stream a request body over HTTP/2 only.
  if (globalThis.document === undefined) now = await upload(now.rev, new Blob([bytes]).stream())
  else now = await upload(now.rev, bytes.buffer)
  const down = []
  for (const { id: attachment_id } of now.attachments) {
    const file = await client.drafts.getAttachment({ account_id, draft_id: draft.id, attachment_id })
    down.push([file.name, file.size_bytes, file.from, areSame(await bytesOf(file), bytes)])
  }
  const raw = new TextDecoder().decode(await bytesOf(await client.drafts.getRaw({ account_id, draft_id: draft.id })))
  const whole = await client.mail.getMessageRaw({ account_id, ref })
  const message = await bytesOf(whole)
  const resume = { from: 100, etag: whole.etag }
  const rest = await client.mail.getMessageRaw({ account_id, ref }, { resume })
  const isRest = areSame(await bytesOf(rest), message.slice(100))
  const nothing = await refused(client.mail.getAttachment({ account_id, ref, attachment_id: '99' }))
  const untouched = await client.mail.getMessageRaw({ account_id, ref })
  await untouched.body.cancel()
  const zip = await client.mail.getAttachmentsZip({ account_id, ref }).catch(error => error)
  const isZip = zip.code === 'attachment_not_found' || String.fromCharCode(...(await bytesOf(zip)).slice(0, 2)) === 'PK'
  return {
    types: now.attachments.map(({ type }) => type),
    down,
    raw: raw.includes('Subject: Files'),
    stale: stale.code,
    nothing: nothing.status,
    rest: [rest.from, isRest],
    isZip,
  }
}
