/** The log of raw messages between the playground and the server, bounded in number and length. */

export interface Frame {
  id: number
  way: 'sent' | 'received'
  /** The method, such as `tools/call`; for a response, that of its request. */
  title: string
  /** JSON, truncated. */
  text: string
  /** Number of truncated characters. */
  omitted: number
  at: number
}

export const maxFrames = 100
export const maxFrameText = 20_000

/** Adds a message at the front and drops the oldest past the bound. */
export function withFrame(frames: readonly Frame[], way: Frame['way'], message: unknown, at: number): Frame[] {
  const text = JSON.stringify(message, null, 2) ?? ''
  const frame = {
    id: (frames[0]?.id ?? 0) + 1,
    way,
    title: titleOf(message),
    text: text.slice(0, maxFrameText),
    omitted: Math.max(0, text.length - maxFrameText),
    at,
  }
  return [frame, ...frames].slice(0, maxFrames)
}

function titleOf(message: unknown): string {
  const { method, id, error } = (typeof message === 'object' && message !== null ? message : {}) as Record<
    string,
    unknown
  >
  if (typeof method === 'string') return id === undefined ? method : `${method} #${String(id)}`
  return `${error === undefined ? 'result' : 'error'} #${String(id)}`
}
