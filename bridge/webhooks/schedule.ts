/** When a failed call is repeated. */

/** Of Standard Webhooks 1.0.0, seconds from one attempt to the next; the first one is made at once. */
export const STANDARD_RETRIES: readonly number[] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

const MOST_RETRIES = 20
const LONGEST_PAUSE = 7 * 86_400

/** A schedule that can be had: seconds. */
export function isRetries(value: unknown): value is readonly number[] {
  const isPause = (each: unknown) => Number.isInteger(each) && Number(each) >= 1 && Number(each) <= LONGEST_PAUSE
  return Array.isArray(value) && value.length >= 1 && value.length <= MOST_RETRIES && value.every(isPause)
}

/** What a receiver asks for in `Retry-After` counts up to here, ms. */
const LONGEST_ASKED_MS = 24 * 60 * 60 * 1000
/** Pauses are up to so much longer, so that what failed together does not come back together. */
const JITTER = 0.1

/**
 * The pause after so many attempts, ms; undefined: that was the last one.
 * @param random from 0 to 1
 */
export function pauseAfter(
  attempts: number,
  retries: readonly number[],
  askedMs: number,
  random: number,
): number | undefined {
  const seconds = retries[attempts - 1]
  if (seconds === undefined) return undefined
  const pause = Math.max(seconds * 1000, Math.min(askedMs, LONGEST_ASKED_MS))
  return Math.round(pause * (1 + JITTER * random))
}

/** No attempt waits longer, whatever clocks say, ms. */
export function longestPause(attempts: number, retries: readonly number[]): number {
  return Math.max((retries[attempts - 1] ?? 0) * 1000, LONGEST_ASKED_MS) * (1 + JITTER)
}

/** `Retry-After` (RFC 9110 section 10.2.3): seconds or a date, as ms from now. */
export function retryAfterMs(header: string | undefined, now: number): number {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? 0 : Math.max(0, date - now)
}
