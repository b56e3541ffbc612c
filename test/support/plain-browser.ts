/** A browser without a page: plain HTTP with a cookie jar, which follows redirects one by one. */

export interface Visit {
  url: URL
  status: number
  /** The redirect's target, if any. */
  location: URL | undefined
  text: string
}

/** Redirects per visit; more are taken for a loop. */
const maxRedirects = 20

export class PlainBrowser {
  /** Cookies know no ports (RFC 6265, section 8.5). */
  readonly cookies = new Map<string, string>()

  /** Makes one request. */
  async visit(url: URL | string, form?: Record<string, string>): Promise<Visit> {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    const location = response.headers.get('location')
    return {
      url: new URL(url),
      status: response.status,
      location: location === null ? undefined : new URL(location, url),
      text: await response.text(),
    }
  }

  /** Follows redirects from a visit until there is none, or the next address is one to stop before. */
  async follow(from: Visit, stopBefore: (next: URL) => boolean = () => false): Promise<Visit> {
    let visit = from
    for (let count = 0; visit.location && !stopBefore(visit.location); count++) {
      if (count === maxRedirects) throw new Error(`redirected in a circle at ${visit.location}`)
      visit = await this.visit(visit.location)
    }
    return visit
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map(part => part.trim())
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const isOver = attributes.some(attribute => /^max-age=0$/i.test(attribute) || /^expires=.*1970/i.test(attribute))
    if (isOver || value === '') this.cookies.delete(name)
    else this.cookies.set(name, value)
  }
}
