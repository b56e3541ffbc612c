/** Applies the colour scheme before the first paint. A separate file, because the CSP forbids inline scripts. */
;(() => {
  let choice = 'system'
  try {
    choice = localStorage.getItem('rustymail.theme') ?? 'system'
  } catch {
    // Storage may be forbidden; the system's choice applies then.
  }
  const isDark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
})()
