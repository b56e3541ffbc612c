/** The messages between the playground and the server, as they were said: the newest, each up to a length. */

export interface Frame {
  id: number
  way: 'sent' | 'received'
  /** `tools/call`, or of an answer what it answers. */
  title: string
  /** JSON, cut. */
  text: string
  /** Characters that are not shown. */
  omitted: number
  at: number
}

export const maxFrames = 100
export const maxFrameText = 20_000

/** Newest first. */
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
