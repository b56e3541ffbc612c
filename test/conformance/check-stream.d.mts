/** Types of the checks, for tests that run them in their own process. */
export interface CheckedStream {
  url: URL
  token: string | undefined
  waitMs: number
  isPartial: boolean
}

export function checkStream(
  stream: CheckedStream,
  print: (line: string) => void,
): Promise<{ failures: number; undecided: string | undefined }>
