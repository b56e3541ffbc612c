/** Sets light or dark before the first paint. A file of its own, since the page allows no inline script. */
;(() => {
  let choice = 'system'
  try {
    choice = localStorage.getItem('rustymail.theme') ?? 'system'
  } catch {
    // Storage may be forbidden; the system's choice holds then.
  }
  const isDark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
})()
