/** Guesses in a few words which program a user agent names. A reading aid only, because clients can send any text. */

const browsers: readonly [RegExp, string][] = [
  [/\bEdg\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bFirefox\/(\d+)/, 'Firefox'],
  [/\b(?:Headless)?Chrome\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+)\S* (?:Mobile\/\S+ )?Safari\//, 'Safari'],
]

const systems: readonly [RegExp, string][] = [
  [/\bAndroid\b/, 'Android'],
  [/\biPhone|iPad\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

export function agentWords(userAgent: string): string {
  const browser = browsers
    .map(([pattern, name]) => ({ name, version: pattern.exec(userAgent)?.[1] }))
    .find(({ version }) => version)
  if (browser) {
    const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1]
    return `${browser.name} ${browser.version}${system ? ` on ${system}` : ''}`
  }
  // `name/version (comment)`, the format of `User-Agent` (RFC 9110, section 10.1.5).
  const [, name, version] = /^([^\s/()]+)(?:\/(\d+(?:\.\d+)?))?/.exec(userAgent) ?? []
  if (!name) return 'Unknown program'
  return version ? `${name} ${version}` : name
}
