/** What is said where nothing is: that there is nothing at an address, or which methods there are at it. */
import { Problem } from '../problem.ts'

interface Route {
  method: string
  path: string
}

/** In the order in which they are told. */
const order = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Which methods there are at an address. Only who asks for what is not there is told, so it may take its time. */
export class MethodTable {
  readonly #routes: readonly Route[]
  /** Of each path, once it was asked for. */
  readonly #patterns = new Map<string, RegExp>()

  /** @param routes As Fastify names them, also those that are added later. */
  constructor(routes: readonly Route[]) {
    this.#routes = routes
  }

  /** None where there is nothing. Addresses of files are not looked at. */
  at(pathname: string): string[] {
    const found = new Set<string>()
    for (const { method, path } of this.#routes) {
      if (!path.includes('*') && this.#patternOf(path).test(pathname)) found.add(method)
    }
    return order.filter(method => found.has(method))
  }

  /** 404, or 405 with the methods that would be answered (RFC 9110, section 15.5.6). */
  nothingAt({ method, url }: { method: string; url: string }): Problem {
    const pathname = url.split('?')[0] ?? ''
    const shown = `${method.slice(0, 20)} ${pathname.slice(0, 200)}`
    const allowed = this.at(pathname)
    if (allowed.length === 0 || allowed.includes(method)) return new Problem('not_found', `Nothing exists at ${shown}.`)
    const allow = allowed.join(', ')
    return new Problem('method_not_allowed', `${shown} is not allowed; this path allows ${allow}.`, { allow })
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
