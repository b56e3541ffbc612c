/**
 * A page whose code is loaded when it is first opened. Where that fails because the server is away, it waits; where the server is
 * another version by now, which has other names for its files, the window is loaded again, once.
 */
import { type ComponentType, type LazyExoticComponent, lazy, useSyncExternalStore } from 'react'
import { ServerReturn } from './server-return.ts'

const storageKey = 'rustymail.reloaded'
/** A second reload within this time would fix nothing either. */
const reloadAgainMs = 60_000

const server = new ServerReturn()

export function lazyPage<Props = object>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => ({ default: await loadPage(load) }))
}

/** Whether the code of some page waits for the server. */
export function useIsServerAwaited(): boolean {
  return useSyncExternalStore(server.subscribe, server.isWaiting)
}

async function loadPage<Props>(load: () => Promise<ComponentType<Props>>): Promise<ComponentType<Props>> {
  try {
    return await load()
  } catch {
    await server.whenThere()
  }
  try {
    return await load()
  } catch (error) {
    // Some browsers remember that a file could not be loaded, for as long as the window lives.
    await server.whenThere()
    if (!mayReload()) throw error
    location.reload()
    return new Promise(() => undefined)
  }
}

/** Without storage it cannot be known whether this was tried before. */
function mayReload(): boolean {
  try {
    const before = Number(sessionStorage.getItem(storageKey) ?? 0)
    if (Date.now() - before < reloadAgainMs) return false
    sessionStorage.setItem(storageKey, String(Date.now()))
    return true
  } catch {
    return false
  }
}
