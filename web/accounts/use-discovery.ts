/** Discovers the servers of an address, and follows the discovery until it is complete. */
import { useEffect, useRef, useState } from 'react'
import { type Discovery, mostWaitSeconds } from '../../contract/autoconfig.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'

export interface Look {
  email: string
  discovery: Discovery | undefined
  error: Error | undefined
}

/** Runs one discovery at a time; another address cancels the previous one. */
export function useDiscovery(onFound: (discovery: Discovery) => void) {
  const [look, setLook] = useState<Look>()
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const start = (email: string) => {
    if (look?.email === email && !look.error) return
    running.current?.abort()
    running.current = new AbortController()
    const { signal } = running.current
    setLook({ email, discovery: undefined, error: undefined })
    const show = (discovery: Discovery) => {
      if (signal.aborted) return
      setLook({ email, discovery, error: undefined })
      onFound(discovery)
    }
    follow(email, signal, show).catch((error: Error) => {
      if (!signal.aborted) setLook(before => ({ email, discovery: before?.discovery, error }))
    })
  }
  return { look, start }
}

async function follow(email: string, signal: AbortSignal, show: (discovery: Discovery) => void): Promise<void> {
  let discovery = await call(api.autoconfig.startDiscovery, { body: { email }, signal })
  show(discovery)
  while (discovery.state === 'running') {
    const params = { discovery_id: discovery.id }
    const query = { since: discovery.revision, wait: mostWaitSeconds }
    discovery = await call(api.autoconfig.getDiscovery, { params, query, signal })
    show(discovery)
  }
}
