/** The kind of job that processes a notification. */
export const EVENT = 'billing.event'

/** One job for one notification. */
export const jobIdOf = (notification: string): string => `evt-${notification}`
