/** Errors that prevent a start, as one sentence that names the resource, the reason and a way to fix it. */

/** An error whose message is for people, and contains no secrets. */
export class StartFault extends Error {}

const ofSystem: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'it belongs to another user',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'it is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ELOOP: 'it is a loop of symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ENOTFOUND: 'the host name is unknown (ENOTFOUND)',
  EAI_AGAIN: 'the host name cannot be looked up (EAI_AGAIN)',
}

/** Returns the reason of an error in plain words. @param about A path that the message names already. */
export function reasonOf(error: unknown, about?: string): string {
  // Thrown for a host with several addresses, without a message of its own.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0], about)
  if (!(error instanceof Error)) return String(error)
  const known = 'code' in error ? ofSystem[String(error.code)] : undefined
  if (known === undefined) return error.message
  const path = 'path' in error && typeof error.path === 'string' && error.path !== about ? `${error.path}: ` : ''
  return `${path}${known}`
}

/** Runs `work`. @throws StartFault instead of the errors of `work` */
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
