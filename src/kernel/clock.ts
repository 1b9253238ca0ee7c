/** Where time comes from. Every decision takes a clock, so a 90-day rule can be proven in a second. */
export interface Clock {
  /** The instant now. */
  now(): Date
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => new Date() }

/** A clock that runs `byMs` milliseconds ahead of `base` (behind, when negative). */
export function shiftedClock(base: Clock, byMs: number): Clock {
  return { now: () => new Date(base.now().getTime() + byMs) }
}
