/**
 * V8's settings of each process that runs the server. They are set before anything is read from the compile cache: flags are part of its
 * key, so a process with other ones would compile everything again.
 */
import { setFlagsFromString } from 'node:v8'

// The main thread has its young generation already, by Node's own flag. What a request needs lives as long as its answer takes, and what lives
// longer than two collections is in the way until the old generation is collected; see docs/decisions/0056. From here on the flag would go before
// what `server/platform/start-thread.ts` gives each thread; 0 is none.
setFlagsFromString('--max-semi-space-size=0')
// One thread collects a small young generation in the time that it takes to wake others for it; see docs/decisions/0001.
setFlagsFromString('--no-parallel-scavenge')
// V8 collects the old generation of a heap when it has grown by so much; by itself it lets it become two to four times as large. While
// mail was indexed that was 100 MiB instead of 60.
setFlagsFromString('--heap-growing-percent=40')
