/** The expected answers of `client-scenario.js`. */
import { expect } from 'vitest'

export const clientOutcome = {
  listed: { missing: 0, doubled: 0, isLong: true },
  stranger: { code: 'unauthorized', status: 401, paths: [] },
  nowhere: { code: 'folder_not_found', status: 404, paths: [] },
  faulty: { code: 'bad_request', status: 400, paths: [expect.stringMatching(/^body\.to/)] },
  isOneDraft: true,
  files: {
    types: ['application/x-thing', 'application/octet-stream', 'application/octet-stream'],
    down: Array(3).fill(['Plän _1_.bin', 300_000, 0, true]),
    raw: true,
    stale: 'draft_changed',
    nothing: 404,
    rest: [100, true],
    isZip: true,
  },
  live: ['One', 'Two', 'Three'],
  again: ['Two', 'Three'],
  gap: 'malformed',
  left: 'left',
}
