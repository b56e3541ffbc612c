/** The browser's side of Web Push: support and subscription. The service worker is registered on the user's request. */

/**
 * `ready`: can be requested. `blocked`: the user denied permission. `insecure`: no HTTPS. `install`: an iPhone or iPad,
 * where only apps on the Home Screen may. `missing`: not supported.
 */
export type PushAbility = 'ready' | 'blocked' | 'insecure' | 'install' | 'missing'

export interface BrowserFeatures {
  isSecure: boolean
  hasPush: boolean
  permission: NotificationPermission | undefined
  userAgent: string
  touchPoints: number
  isInstalled: boolean
}

export function abilityOf({ isSecure, hasPush, permission, userAgent, touchPoints, isInstalled }: BrowserFeatures) {
  // iPads identify themselves as Macs.
  const isIos = /iPhone|iPad|iPod/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1)
  if (!isSecure) return 'insecure' satisfies PushAbility
  if (isIos && !isInstalled) return 'install' satisfies PushAbility
  if (!hasPush || permission === undefined) return 'missing' satisfies PushAbility
  return permission === 'denied' ? ('blocked' satisfies PushAbility) : ('ready' satisfies PushAbility)
}

export function pushAbility(): PushAbility {
  return abilityOf({
    isSecure: window.isSecureContext,
    hasPush: 'serviceWorker' in navigator && 'PushManager' in window,
    permission: typeof Notification === 'function' ? Notification.permission : undefined,
    userAgent: navigator.userAgent,
    touchPoints: navigator.maxTouchPoints,
    isInstalled: matchMedia('(display-mode: standalone)').matches,
  })
}

const worker = '/service-worker.js'

/** Returns the existing subscription of this browser. */
export async function findSubscription(): Promise<PushSubscription | undefined> {
  if (pushAbility() !== 'ready') return undefined
  const registration = await navigator.serviceWorker.getRegistration(worker)
  return (await registration?.pushManager?.getSubscription()) ?? undefined
}

/** Asks the user, and then the browser's push service. Call it on a click. */
export async function makeSubscription(publicKey: string): Promise<PushSubscription> {
  // First of all, while the user activation is valid.
  if ((await Notification.requestPermission()) !== 'granted') {
    throw new Error('The browser was not allowed to show notifications.')
  }
  await navigator.serviceWorker.register(worker)
  const { pushManager } = await navigator.serviceWorker.ready
  const before = await pushManager.getSubscription()
  if (before && keyOf(before) === publicKey) return before
  // A subscription to another server, or with an earlier key.
  await before?.unsubscribe()
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey })
}

/** Returns the hash by which the server identifies a subscription in responses, instead of its address. */
export async function fingerprintOf({ endpoint }: Pick<PushSubscription, 'endpoint'>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(endpoint))
  return [...new Uint8Array(digest)].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Converts a subscription to a request body. */
export function bodyOf(subscription: PushSubscription): { endpoint: string; keys: { p256dh: string; auth: string } } {
  const { endpoint = '', keys = {} } = subscription.toJSON()
  return { endpoint, keys: { p256dh: keys.p256dh ?? '', auth: keys.auth ?? '' } }
}

function keyOf({ options }: PushSubscription): string | undefined {
  const bytes = options.applicationServerKey
  if (!bytes) return undefined
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}
