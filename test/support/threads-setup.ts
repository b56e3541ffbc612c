/** For each test file, which shares its process with others: the server's threads run the bundle that was made before all tests. */
import { inject } from 'vitest'
import { runBundledThreads } from './bundled-threads.ts'

runBundledThreads(inject('bundle'))
