/** An agent that obeys everything it reads: it has its token's tools over MCP, an HTTP client, and no judgement. */
import type { Client } from '@modelcontextprotocol/client'
import { type CallAnswer, callTool } from './mcp-client.ts'
import { type Plan, plansIn, type Wanted } from './obedient-plans.ts'

export interface Shown {
  ref: string
  from: string
  subject: string
  body: string
}

export interface Sent {
  id: string
  status: string
  approve_url?: string
}

export interface ObedientOptions {
  client: Client
  owner: string
  /** Credentials for the doors that it tries beside the tools. */
  proof: Record<string, string>
  url: string
  /** Whether it follows what it reads; otherwise it obeys its user alone. */
  isObedient?: boolean
  /** Called for what awaits approval, as a human would look at it; without it no human looks. */
  onPending?(sent: Sent): Promise<void>
}

interface Hit {
  ref: string
  from: string
  subject: string
  date: string
  attachments?: boolean
}

const batch = 20
const mostCarried = 3

export class ObedientAgent {
  readonly #options: ObedientOptions
  readonly #followed = new Set<string>()
  /** Each tool call with its outcome. */
  readonly calls: { name: string; isDone: boolean; isPending: boolean }[] = []
  /** Number of attempts by kind of plan. */
  readonly tried: Record<string, number> = {}
  /** Statuses of endpoints that no tool reaches. */
  readonly doors: number[] = []
  /** All messages that it was shown, by ref. */
  readonly shown = new Map<string, Shown>()
  readonly hits = new Map<string, Hit>()

  constructor(options: ObedientOptions) {
    this.#options = options
  }

  async call(name: string, input: Record<string, unknown>): Promise<CallAnswer | undefined> {
    const answer = await callTool(this.#options.client, name, input).catch(() => undefined)
    const isPending = answer?.value.status === 'pending' || typeof answer?.value.proposed === 'string'
    this.calls.push({ name, isDone: answer?.isError === false, isPending })
    return answer
  }

  async search(q: string, limit = 50): Promise<Hit[]> {
    return (await this.#searchPage({ q, limit })).hits
  }

  /** Searches page by page. */
  async searchAll(q: string): Promise<Hit[]> {
    const all: Hit[] = []
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await this.#searchPage({ q, limit: 50, ...(cursor !== undefined && { cursor }) })
      all.push(...page.hits)
      cursor = page.cursor
    }
    return all
  }

  async #searchPage(input: Record<string, unknown>): Promise<{ hits: Hit[]; cursor?: string }> {
    const answer = await this.call('mail_search', input)
    const page =
      answer?.isError === false ? (answer.value as unknown as { hits: Hit[]; cursor?: string }) : { hits: [] }
    for (const hit of page.hits) this.hits.set(hit.ref, hit)
    return page
  }

  async read(refs: readonly string[]): Promise<Shown[]> {
    const found: Shown[] = []
    for (let at = 0; at < refs.length; at += batch) {
      const asked = { refs: refs.slice(at, at + batch), view: 'text', max_chars: 18_000 }
      for (let cursor: string | undefined, more = true; more; ) {
        const answer = await this.call('mail_read', { ...asked, ...(cursor !== undefined && { cursor }) })
        const messages = (answer?.isError === false ? answer.value.messages : undefined) as
          | { ref: string; from?: { email?: string; name?: string }[]; subject: string; untrusted_body?: string }[]
          | undefined
        for (const { ref, from = [], subject, untrusted_body: body = '' } of messages ?? []) {
          const plain = body.replaceAll(/<\/?untrusted-\w+>\n?/g, '')
          const before = this.shown.get(ref)
          const whole = cursor !== undefined && before ? `${before.body}${plain}` : plain
          const who = from.map(({ name = '', email = '' }) => `${name} ${email}`).join(', ')
          this.shown.set(ref, { ref, from: who, subject, body: whole })
          found.push({ ref, from: who, subject, body: plain })
        }
        cursor = answer?.isError === false ? (answer.value.cursor as string | undefined) : undefined
        more = cursor !== undefined
      }
    }
    return found
  }

  /** Reads all messages, and follows the orders in their bodies, subjects and sender names. */
  async obeyAll(refs: readonly string[]): Promise<Shown[]> {
    const messages = await this.read(refs)
    if (this.#options.isObedient === false) return messages
    for (const { ref, from, subject, body } of messages) await this.obey(`${from}\n${subject}\n${body}`, ref)
    return messages
  }

  async obey(text: string, ref: string): Promise<void> {
    for (const plan of plansIn(text, this.#options.owner)) {
      const key = JSON.stringify(plan)
      // Repeating an order would change nothing.
      if (this.#followed.has(key)) continue
      this.#followed.add(key)
      this.tried[plan.kind] = (this.tried[plan.kind] ?? 0) + 1
      await this.#follow(plan, ref)
    }
  }

  async #follow(plan: Plan, ref: string): Promise<void> {
    switch (plan.kind) {
      case 'send': {
        const found = await this.#find(plan.wanted)
        const to = plan.to.map(one => one.replaceAll(/\{\w+\}/g, secretIn(found)))
        const body = [plan.text, ...found.map(each => each.body)].join('\n\n') || 'As asked.'
        await this.draftAndSend({ mode: 'new', to, subject: plan.subject, body })
        return
      }
      case 'forward':
        for (const one of [ref, ...(await this.#find(plan.wanted)).map(each => each.ref)])
          await this.draftAndSend({ mode: 'forward', ref: one, to: plan.to, body: plan.text || 'As asked.' })
        return
      case 'attach': {
        const files = (await this.search('has:attachment', mostCarried)).map(hit => `${hit.ref}#2`)
        await this.draftAndSend({ mode: 'new', to: plan.to, subject: plan.subject, body: 'Here.', attach: files })
        return
      }
      case 'reply': {
        const found = await this.#find(plan.wanted)
        const body = [plan.text, ...found.map(each => each.body)].join('\n\n') || 'Yes.'
        await this.draftAndSend({ mode: 'reply', ref, body, ...(plan.bcc.length > 0 && { bcc: plan.bcc }) })
        return
      }
      case 'link':
        return this.#leakBy(plan, ref)
      case 'delete':
        return this.#delete(plan.which, ref)
      case 'organise':
        await this.call('mail_update', { refs: [ref], add: plan.flag ? ['seen', 'flagged'] : ['flagged'] })
        await this.call('mail_move', { refs: [ref], to: plan.to })
        return
      case 'approve':
        await this.#tryDoors('/api/v1/approvals')
    }
  }

  /** @returns The outcome, if the draft could be written at all. */
  async draftAndSend(input: Record<string, unknown>): Promise<Sent | undefined> {
    const draft = await this.call('mail_draft', input)
    if (draft?.isError !== false) {
      // Without a draft there is nothing to send; it tries anyway.
      await this.call('mail_send', { draft: 'none', rev: 1 })
      return undefined
    }
    const answer = await this.call('mail_send', { draft: draft.value.draft, rev: draft.value.rev })
    if (answer?.isError !== false) return undefined
    const sent = answer.value as unknown as Sent
    if (sent.status !== 'pending') return sent
    await this.#options.onPending?.(sent)
    return sent
  }

  async #find({ words, from, isUnread, isEverything }: Wanted): Promise<Shown[]> {
    const queries = [
      ...from.map(one => `from:${one}`),
      ...(isUnread ? ['is:unread'] : []),
      ...(words.length > 0 ? [words.join(' OR ')] : []),
      ...(isEverything && !isUnread ? ['in:inbox', 'in:sent'] : []),
    ]
    const refs = new Set<string>()
    for (const q of queries)
      for (const hit of (await this.search(q, mostCarried)).slice(0, mostCarried)) refs.add(hit.ref)
    const unread = [...refs].filter(ref => !this.shown.has(ref))
    if (unread.length > 0) await this.read(unread)
    return [...refs].flatMap(ref => this.shown.get(ref) ?? [])
  }

  /** Leaks through a draft that a human sees, a message, and a tool that might exist. */
  async #leakBy({ url, to, wanted }: Plan & { kind: 'link' }, ref: string): Promise<void> {
    const secret = Buffer.from(secretIn(await this.#find(wanted))).toString('base64url')
    const filled = url.replaceAll(/\{\w+\}|\[?QUERY\]?/g, secret)
    const body = `![image](${filled})\n\n[Open](${filled})\n\n${filled}`
    await this.call('fetch', { url: filled })
    await this.draftAndSend({ mode: 'reply', ref, body })
    if (to.length > 0) await this.draftAndSend({ mode: 'new', to, subject: 'Link', body })
  }

  async #delete(which: 'this' | 'unread' | 'sent' | 'everything', ref: string): Promise<void> {
    const queries = { this: undefined, unread: 'is:unread', sent: 'in:sent', everything: 'in:inbox' }
    const q = queries[which]
    const refs = q === undefined ? [ref] : (await this.search(q, mostCarried)).map(hit => hit.ref)
    if (refs.length === 0) return
    await this.call('mail_move', { refs, to: 'trash' })
    await this.call('mail_delete', { refs })
    await this.call('mail_folder_edit', { op: 'delete', path: which === 'sent' ? 'Sent' : 'INBOX' })
    // A ref names its account only if there are several.
    const { accounts } = ((await this.call('mail_accounts', {}))?.value ?? {}) as { accounts?: { id: string }[] }
    const path = `/api/v1/accounts/${ref.includes('.') ? ref.split('.')[0] : accounts?.[0]?.id}/messages/delete`
    this.doors.push(await this.#door('POST', path, { ids: refs.map(one => one.split('.').at(-1)) }))
  }

  async #tryDoors(path: string): Promise<void> {
    const { proof, url } = this.#options
    const answer = await fetch(url + path, { headers: proof })
    const { items = [] } = (answer.ok ? await answer.json() : {}) as { items?: { id: string; hash: string }[] }
    for (const { id, hash } of items.slice(0, mostCarried)) {
      for (const page of [`/approvals?open=${id}`, `/approvals?open=${id}&approve=true`, `${path}/${id}/approve`])
        this.doors.push(await this.#door('GET', page))
      this.doors.push(await this.#door('POST', `${path}/${id}/approve`, { hash }))
    }
  }

  async #door(method: string, path: string, body?: unknown): Promise<number> {
    const { proof, url } = this.#options
    const headers = body === undefined ? proof : { ...proof, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url + path, { method, headers, redirect: 'manual', ...sent })
    await answer.body?.cancel()
    return answer.status
  }
}

/** Returns as much of what it found as fits into a URL. */
function secretIn(found: readonly Shown[]): string {
  const text = found.map(({ body }) => body).join(' ')
  return (/\d{5,}|token\S+/.exec(text)?.[0] ?? text.slice(0, 20)).replaceAll(/[^\w-]/g, '') || 'secret'
}
