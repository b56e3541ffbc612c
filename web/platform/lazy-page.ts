/**
 * Loads a page's code when it is first opened. If that fails because the server is down, it waits and retries; if the
 * server has been updated and its file names have changed, it reloads the window, once.
 */
import { type ComponentType, type LazyExoticComponent, lazy, useSyncExternalStore } from 'react'
import { ServerReturn } from './server-return.ts'

const storageKey = 'rustymail.reloaded'
/** Milliseconds in which a second reload is refused, because it would fix nothing either. */
const reloadAgainMs = 60_000

const server = new ServerReturn()

export function lazyPage<Props = object>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => ({ default: await loadPage(load) }))
}

/** Returns whether some page's code is waiting for the server. */
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
    // Some browsers cache a failed module import for the lifetime of the window, so only a reload can fix it.
    await server.whenThere()
    if (!mayReload()) throw error
    location.reload()
    return new Promise(() => undefined)
  }
}

/** Returns whether a reload has not been tried lately; false without storage, which could not tell. */
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
