/**
 * Timeout in milliseconds for everything that tests wait for. It promises nothing about speed, so that a busy machine
 * fails no test.
 */
export const patience = 60_000
