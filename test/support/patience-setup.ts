/** For each test file: `vi.waitFor` is as patient as `expect.poll`; one second, which it has of its own, cannot be configured. */
import { vi } from 'vitest'
import { patience } from './patience.ts'

const { waitFor } = vi
const patient: typeof waitFor = (callback, options = {}) =>
  waitFor(callback, {
    timeout: patience,
    interval: 20,
    ...(typeof options === 'number' ? { timeout: options } : options),
  })

// Files that share a process share it too.
if (waitFor.name !== 'patient') vi.waitFor = patient
