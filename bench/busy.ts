/** Keeps a fixed number of requests in flight while something else is measured. */
import { apiKey } from './measure.ts'

export const underWay = 32
const headers = { authorization: `Bearer ${apiKey}` }

export function keepBusy(url: string, accountId: string) {
  let isOver = false
  let finished = 0
  const worker = async () => {
    while (!isOver) {
      const answer = await fetch(`${url}/api/v1/accounts/${accountId}/messages?limit=20`, { headers })
      await answer.arrayBuffer()
      if (!answer.ok) throw new Error(`a request beside it answered ${answer.status}`)
      finished++
    }
  }
  const all = Promise.all(Array.from({ length: underWay }, worker))
  return {
    stop: async () => {
      isOver = true
      await all
      return finished
    },
  }
}
