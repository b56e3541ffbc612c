/** A playground session: a 15-minute token, the client that uses it, and the log. Both end when the page is left. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import type { Scope } from '../../contract/scope.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { type Frame, withFrame } from './frame-log.ts'
import type { McpLink, Offered } from './mcp-link.ts'

export const lifeMinutes = 15

export interface Opened {
  link: McpLink
  offered: Offered
  /** When the token expires, by the server's clock. */
  endsAt: string
}

interface Held {
  link: McpLink
  tokenId: string
}

export function usePlayground() {
  const { clockOffsetMs } = useLiveStatus()
  const [opened, setOpened] = useState<Opened>()
  const [frames, setFrames] = useState<readonly Frame[]>([])
  const [error, setError] = useState<Error>()
  const [isBusy, setBusy] = useState(false)
  const held = useRef<Held>(undefined)

  const open = async (scopes: Scope[], accounts: string[]) => {
    setBusy(true)
    setError(undefined)
    setFrames([])
    try {
      const endsAt = new Date(Date.now() + clockOffsetMs + lifeMinutes * 60_000).toISOString()
      const body = { name: 'Playground', scopes, accounts, expires_at: endsAt, allowed_addresses: [] }
      const { token, info } = await call(api.tokens.createToken, { body })
      const { McpLink } = await import('./mcp-link.ts')
      const link = new McpLink(token, (way, message) =>
        setFrames(before => withFrame(before, way, message, Date.now() + clockOffsetMs)),
      )
      held.current = { link, tokenId: info.id }
      setOpened({ link, offered: await link.connect(), endsAt })
    } catch (err) {
      setError(err instanceof Error ? err : new Error(String(err)))
      await end(held.current)
      held.current = undefined
    } finally {
      setBusy(false)
    }
  }
  const close = useCallback(() => {
    void end(held.current)
    held.current = undefined
    setOpened(undefined)
  }, [])
  useEffect(
    () => () => {
      void end(held.current)
      held.current = undefined
    },
    [],
  )
  return { opened, frames, error, isBusy, open, close, clearFrames: () => setFrames([]) }
}

/** Ends a session; a token that cannot be revoked, because the server is down, expires on its own. */
async function end(held: Held | undefined): Promise<void> {
  if (!held) return
  await held.link.close().catch(() => undefined)
  await call(api.tokens.revokeToken, { params: { token_id: held.tokenId }, query: { end_made: 'false' } }).catch(
    () => undefined,
  )
}
