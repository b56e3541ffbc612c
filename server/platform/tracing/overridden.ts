/** Wraps an object in a proxy that overrides some methods; used to trace calls only if tracing is on. */

/** @param replaced Called with each method at its first access; undefined keeps the original. */
export function overridden<T extends object>(
  target: T,
  replaced: (
    name: keyof T & string,
    method: (...args: unknown[]) => unknown,
  ) => ((...args: unknown[]) => unknown) | undefined,
): T {
  const methods = new Map<string | symbol, unknown>()
  return new Proxy(target, {
    get: (_target, name) => {
      const known = methods.get(name)
      if (known) return known
      // The target is the receiver, since a proxy has no access to private fields.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      const made = (typeof name === 'string' && replaced(name as keyof T & string, method)) || method
      methods.set(name, made)
      return made
    },
  })
}
