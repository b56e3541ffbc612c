/**
 * Shows Web Push notifications, and opens the page that a clicked one is about. Nothing is decided here: notifications
 * have no buttons. There is no fetch handler and no cache, so the page is as fresh with the worker as without it.
 */
const waitingId = /^[ap][0-9a-z]{16}$/

addEventListener('install', () => skipWaiting())
addEventListener('activate', event => event.waitUntil(clients.claim()))
addEventListener('push', event => event.waitUntil(show(contentOf(event.data))))
addEventListener('notificationclick', event => {
  event.notification.close()
  event.waitUntil(openPage(event.notification.data?.href ?? '/approvals'))
})

/** Parses a push; an unreadable one is empty, because browsers require a notification for each. */
function contentOf(data) {
  try {
    return data?.json() ?? {}
  } catch {
    return {}
  }
}

function show({ kind, tag, count, proposals, total, asks, account, open, title: alertTitle, body: alertBody }) {
  const shared = { icon: '/icon-192.png', lang: 'en' }
  if (kind === 'alerts') {
    const options = {
      ...shared,
      body: String(alertBody ?? ''),
      tag: String(tag ?? 'alerts'),
      data: { href: '/alerts' },
    }
    return registration.showNotification(String(alertTitle ?? 'RustyMail'), options)
  }
  if (kind === 'test') {
    const options = { ...shared, tag: 'test', body: 'This device is notified.', data: { href: '/profile' } }
    return registration.showNotification('RustyMail', options)
  }
  const href = waitingId.test(open) ? `/approvals?open=${open}` : '/approvals'
  const who = [asks, account && `for ${account}`].filter(Boolean).join(', ')
  const others = total > count ? `${total} wait in all.` : ''
  const body = [who, others].filter(Boolean).join('\n')
  const title = titleOf(count, proposals ?? 0)
  // A notification with the same tag is replaced, and alerts again.
  const options = { ...shared, body, tag: String(tag ?? 'approvals'), renotify: true, data: { href, isApproval: true } }
  return registration.showNotification(title, options)
}

function titleOf(count, proposals) {
  if (count <= 1) return proposals === 1 ? 'A proposal waits for you' : 'A message waits for your approval'
  if (proposals === 0) return `${count} messages wait for your approval`
  return `${count} ${proposals < count ? 'messages and proposals' : 'proposals'} wait for you`
}

/** Opens a page in an existing window without reloading it, or else in a new one. */
async function openPage(href) {
  const windows = await clients.matchAll({ type: 'window', includeUncontrolled: true })
  const found = windows.find(each => each.focused) ?? windows[0]
  if (!found) return clients.openWindow(href)
  found.postMessage({ type: 'rustymail.open', href })
  return found.focus()
}
