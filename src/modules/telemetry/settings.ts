import { z } from 'zod'
import { duration } from '../../kernel/duration.ts'

const DAY = 86_400_000

/** `https://<key>@<host>/<project>`, as an error tracker of the Sentry protocol gives it out. */
const dsn = z
  .url({ protocol: /^https$/ })
  .refine((text) => new URL(text).username !== '' && /^\/\d+$/.test(new URL(text).pathname), {
    error: 'a DSN is https://<key>@<host>/<project number>',
  })

export const telemetrySettings = z.object({
  /** One line a request. */
  requestsKeptFor: duration.default(14 * DAY),
  /** Everything else that is logged. */
  linesKeptFor: duration.default(30 * DAY),
  /** Lines that raised an alarm or told of an error. */
  alarmsKeptFor: duration.default(180 * DAY),
  /** Who gets alerts, beside the back-office. */
  alertMail: z.email().optional(),
  /** Gets alerts as JSON; its host must be in `egress.register`, for the module telemetry. */
  alertWebhook: z.url({ protocol: /^https$/ }).optional(),
  /** An alert of something that happens ends when it has not happened for this long; the next one is told again. */
  quietAfter: duration.default(3_600_000),
  /** A process that has not been heard of for this long is missed. */
  missedAfter: duration.default(60_000),
  /** Where errors are reported; its host must be in `egress.register`, for the module telemetry. */
  errorsDsn: dsn.optional(),
  /** How long somebody has the same name in logs, and in analytics. */
  pseudonymsFor: duration.default(30 * DAY),
})

export type TelemetrySettings = z.output<typeof telemetrySettings>
