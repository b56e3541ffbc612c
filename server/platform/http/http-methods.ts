/** Answers for URLs without a route: 404, or 405 with the allowed methods. */
import { badInput, Problem } from '../problem.ts'

interface Route {
  method: string
  path: string
}

/** Order in which methods are listed. */
const order = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Characters that no id exceeds. */
const idLength = 1_000

/** Finds the methods allowed at a URL. Used for errors only, so it may be slow. */
export class MethodTable {
  readonly #routes: readonly Route[]
  /** Compiled patterns by path, created lazily. */
  readonly #patterns = new Map<string, RegExp>()

  /** @param routes Routes in Fastify's syntax; routes added to it later are included. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes
  }

  /** Returns the methods allowed at a path; none if there is no route. Wildcard routes are ignored. */
  at(pathname: string): string[] {
    const found = new Set<string>()
    for (const { method, path } of this.#routes) {
      if (!path.includes('*') && this.#patternOf(path).test(pathname)) found.add(method)
    }
    return order.filter(method => found.has(method))
  }

  /** Returns a 404, or a 405 with the allowed methods (RFC 9110, section 15.5.6). */
  nothingAt({ method, url }: { method: string; url: string }): Problem {
    const pathname = url.split('?')[0] ?? ''
    const shown = `${method.slice(0, 20)} ${pathname.slice(0, 200)}`
    const allowed = this.at(pathname)
    const nothing = new Problem('not_found', `Nothing exists at ${shown}.`)
    if (allowed.length === 0) return nothing
    if (allowed.includes(method)) return this.#tooLong(method, pathname) ?? nothing
    const allow = allowed.join(', ')
    return new Problem('method_not_allowed', `${shown} is not allowed; this path allows ${allow}.`, { allow })
  }

  /** Names the parameter that the router did not take, since it is longer than any id. */
  #tooLong(method: string, pathname: string): Problem | undefined {
    const at = pathname.split('/').findIndex(part => part.length > idLength)
    if (at < 0) return undefined
    const route = this.#routes.find(each => each.method === method && this.#patternOf(each.path).test(pathname))
    return badInput(`path.${route?.path.split('/')[at]?.slice(1)}`, 'is longer than any id')
  }

  #patternOf(path: string): RegExp {
    const known = this.#patterns.get(path)
    if (known) return known
    const parts = path.split('/').map(part => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')))
    const pattern = new RegExp(`^${parts.join('/')}$`)
    this.#patterns.set(path, pattern)
    return pattern
  }
}
