/** What of a fact is kept on the disk. Mail is stored nowhere, so what a stranger wrote is held in memory alone. */
import type { Fact } from '../../contract/event.ts'

/** @param json All of the data. */
export function storedJson({ type, data }: Fact, json: string): string {
  if (type !== 'mail_received') return json
  const { from: _from, subject: _subject, ...kept } = data
  return JSON.stringify(kept)
}
