/** When operations ended, as reported by the event stream of a running server. */
import { apiKey } from './measure.ts'

export class OperationEndings {
  readonly #endedAt = new Map<string, number>()
  #look: () => void = () => undefined

  async open(url: string): Promise<void> {
    const headers = { authorization: `Bearer ${apiKey}` }
    const answer = await fetch(`${url}/api/dashboard/events?types=operation_changed`, { headers })
    this.#read(answer).catch(() => undefined)
  }

  async of(id: string): Promise<number> {
    for (;;) {
      const at = this.#endedAt.get(id)
      if (at !== undefined) return at
      await new Promise<void>(resolve => {
        this.#look = resolve
      })
    }
  }

  /** Reads until the server ends the stream. */
  async #read({ body }: Response): Promise<void> {
    const decoder = new TextDecoder()
    let text = ''
    for await (const bytes of body ?? []) {
      text += decoder.decode(bytes, { stream: true })
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const [, data] = /^event: operation_changed\ndata: (.*)$/m.exec(frame) ?? []
        const fact = data === undefined ? undefined : (JSON.parse(data) as { operation_id: string; state: string })
        if (fact && fact.state !== 'pending') this.#endedAt.set(fact.operation_id, performance.now())
      }
      this.#look()
    }
  }
}
