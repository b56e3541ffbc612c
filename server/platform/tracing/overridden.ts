/** An object with some of its methods replaced, whatever else it is or becomes: for what is traced only where tracing is on. */

/** @param replaced Gets each method when it is first asked for; undefined leaves it as it is. */
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
      // With the object itself as its receiver: it has private fields.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      const made = (typeof name === 'string' && replaced(name as keyof T & string, method)) || method
      methods.set(name, made)
      return made
    },
  })
}
