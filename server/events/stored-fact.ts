/** Reduces a fact to what is stored on disk: content written by strangers (sender, subject) stays in memory only. */
import type { Fact } from '../../contract/event.ts'

/** @param json The complete data. */
export function storedJson({ type, data }: Fact, json: string): string {
  if (type !== 'mail_received') return json
  const { from: _from, subject: _subject, ...kept } = data
  return JSON.stringify(kept)
}
