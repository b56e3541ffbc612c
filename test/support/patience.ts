/** How long tests wait for what must come, in milliseconds: no promise about time, so that a busy machine is no fault. */
export const patience = 60_000
