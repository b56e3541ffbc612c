/**
 * Run for each test file: gives `vi.waitFor` the timeout of `expect.poll`; its own default of one second cannot be
 * configured.
 */
import { vi } from 'vitest'
import { patience } from './patience.ts'

const { waitFor } = vi
const patient: typeof waitFor = (callback, options = {}) =>
  waitFor(callback, {
    timeout: patience,
    interval: 20,
    ...(typeof options === 'number' ? { timeout: options } : options),
  })

// Files of the same process share `vi`, so it may be patched already.
if (waitFor.name !== 'patient') vi.waitFor = patient
