/** A server whose assistant plays scripts, with one mailbox that can send, and the requests that its users make. */
import { expect } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { AssistantAnswer, type AssistantToolCall, ChatbotPart, ChatbotResponse } from '../../contract/answers.ts'
import { Conversation } from '../../contract/conversations.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type People, type Proof, runApp, type Surroundings } from './people.ts'
import { ScriptedChoice } from './scripted-choice.ts'
import { SmtpSink } from './smtp-sink.ts'

export const chatbot = '/api/dashboard/chatbot'

/** Starts a world, which the caller stops. */
export async function startChatWorld({ environment, overrides }: Surroundings = {}) {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  const gateway = new MemoryGateway()
  const choice = new ScriptedChoice()
  const started = await runApp({
    ...(environment && { environment }),
    overrides: { gateway, models: choice, ...overrides },
  })
  const { people } = started
  const connect = async (user: string): Promise<string> => {
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
    const wanted = { name: user, email: `${user}@example.org`, imap, smtp }
    const path = `${api.accounts.createAccount.path}?verify=false`
    return (await people.tell<Account>(people.admin, 'POST', path, wanted)).id
  }
  const stop = async () => {
    await started.stop()
    await sink.stop()
  }
  return { ...started, sink, gateway, choice, connect, chat: new Chat(people), stop }
}

export class Chat {
  readonly people: People

  constructor(people: People) {
    this.people = people
  }

  async ask(query: string, more: object = {}, proof: Proof = this.people.admin): Promise<ChatbotResponse> {
    return ChatbotResponse.parse(await this.people.tell(proof, 'POST', `${chatbot}/query`, { query, ...more }))
  }

  /** Asks a question over the stream and returns all its parts. */
  async stream(query: string, more: object = {}, proof: Proof = this.people.admin): Promise<ChatbotPart[]> {
    const { response } = await this.open(query, more, proof)
    return partsIn(await response.text())
  }

  async open(query: string, more: object = {}, proof: Proof = this.people.admin) {
    const gone = new AbortController()
    const response = await fetch(`${this.people.url}${chatbot}/query`, {
      method: 'POST',
      headers: { ...proof, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query, ...more }),
      signal: gone.signal,
    })
    expect(response.status).toBe(200)
    return { response, leave: () => gone.abort() }
  }

  async get(id: string, proof: Proof = this.people.admin): Promise<Conversation> {
    return Conversation.parse(await this.people.tell(proof, 'GET', `${chatbot}/conversations/${id}`))
  }

  partsAt({ conversation_id: conversation, answer_id: answer }: Named, after?: number): string {
    const from = after === undefined ? '' : `?after=${after}`
    return `${this.people.url}${chatbot}/conversations/${conversation}/answers/${answer}/parts${from}`
  }

  async follow(named: Named, after?: number, headers: Proof = {}): Promise<ChatbotPart[]> {
    const response = await fetch(this.partsAt(named, after), { headers: { ...this.people.admin, ...headers } })
    expect(response.status).toBe(200)
    return partsIn(await response.text())
  }

  stopPath({ conversation_id: conversation, answer_id: answer }: Named): string {
    return `${chatbot}/conversations/${conversation}/answers/${answer}/stop`
  }

  decidePath({ conversation_id: conversation, answer_id: answer }: Named, call: AssistantToolCall): string {
    return `${chatbot}/conversations/${conversation}/answers/${answer}/calls/${call.id}/decision`
  }

  async decide(
    named: Named,
    call: AssistantToolCall,
    decision: 'allow' | 'decline',
    proof: Proof = this.people.admin,
  ): Promise<AssistantAnswer> {
    const body = { decision, input_hash: call.input_hash }
    return AssistantAnswer.parse(await this.people.tell(proof, 'POST', this.decidePath(named, call), body))
  }

  /** Returns an answer once it has ended. */
  async ended({ conversation_id: id, answer_id: answerId }: Named): Promise<AssistantAnswer> {
    let found: AssistantAnswer | undefined
    await expect
      .poll(async () => {
        found = (await this.get(id)).items.find(each => each.id === answerId)
        return found?.state
      })
      .not.toBe('running')
    return found!
  }
}

export type Named = Pick<ChatbotResponse, 'conversation_id' | 'answer_id'>

export function partsIn(text: string): ChatbotPart[] {
  const frames = text.split('\n\n').filter(frame => frame !== '' && !frame.startsWith(':'))
  return frames.map(frame => {
    const { id, type, data } = /^id: (?<id>\d+)\nevent: (?<type>\S+)\ndata: (?<data>.*)$/.exec(frame)?.groups ?? {}
    const part = ChatbotPart.parse(JSON.parse(data ?? ''))
    expect([type, Number(id)]).toEqual([part.type, part.seq])
    return part
  })
}
