/** Why what a start needs cannot be used: one sentence that names it, and the way out. */

/** Its message is for people, and has no secrets. */
export class StartFault extends Error {}

const ofSystem: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'it belongs to another user',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'it is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ELOOP: 'its links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ENOTFOUND: 'the name of the host is not known (ENOTFOUND)',
  EAI_AGAIN: 'the name of the host cannot be looked up (EAI_AGAIN)',
}

/** As people say it. @param about What is named already. */
export function reasonOf(error: unknown, about?: string): string {
  // Of several addresses of a host; it has no words of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0], about)
  if (!(error instanceof Error)) return String(error)
  const known = 'code' in error ? ofSystem[String(error.code)] : undefined
  if (known === undefined) return error.message
  const path = 'path' in error && typeof error.path === 'string' && error.path !== about ? `${error.path}: ` : ''
  return `${path}${known}`
}

/** @throws StartFault in place of what `work` throws. */
export function naming<Result>(what: string, wayOut: string, about: string, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw startFault(what, wayOut, error, about)
  }
}

export function startFault(what: string, wayOut: string, cause: unknown, about?: string): StartFault {
  if (cause instanceof StartFault) return cause
  return new StartFault(`${what} cannot be used: ${reasonOf(cause, about)}. ${wayOut}`, { cause })
}
