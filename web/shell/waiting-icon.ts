/** The favicon with the number of proposals and messages that wait for approval. */

const envelope =
  '<rect width="32" height="32" rx="8" fill="#a8441a"/><path d="M7 11.5A2.5 2.5 0 0 1 9.5 9h13a2.5 2.5 0 0 1 2.5 2.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 7 20.5z" fill="none" stroke="#fff" stroke-width="2"/>'

/** Draws the icon; numbers above nine are unreadable at this size. */
export function waitingIcon(waiting: number): string {
  const words = waiting > 9 ? '9+' : String(waiting)
  const size = words.length > 1 ? 13 : 16
  const count = `<circle cx="21" cy="21" r="11" fill="#fff"/><circle cx="21" cy="21" r="10" fill="#7d5200"/><text x="21" y="${21 + size * 0.36}" font-family="sans-serif" font-weight="bold" font-size="${size}" text-anchor="middle" fill="#fff">${words}</text>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${envelope}${count}</svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}
