/**
 * V8's settings for each process that runs the server. They are set before anything is read from the compile cache:
 * flags are part of its key, so a process with other flags would compile everything again.
 */
import { setFlagsFromString } from 'node:v8'

// Node's own flag has sized the main thread's young generation already. What a request allocates lives as long as its
// response, and what outlives two collections is only freed by the old generation's collection; see
// docs/decisions/0056. Left set, the flag would override what `server/platform/start-thread.ts` gives each thread; 0
// resets it.
setFlagsFromString('--max-semi-space-size=0')
// One thread collects a small young generation in the time that waking others for it takes; see docs/decisions/0001.
setFlagsFromString('--no-parallel-scavenge')
// Percentage by which the old generation grows before V8 collects it; by default it may grow two- to fourfold. During
// indexing that was 100 MiB instead of 60.
setFlagsFromString('--heap-growing-percent=40')
