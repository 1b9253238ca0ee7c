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
  /** Where traces go (OTLP over HTTP, such as `https://…/v1/traces`); its host must be in `egress.register` likewise. */
  tracesUrl: z.url({ protocol: /^https$/ }).optional(),
  /** The `Authorization` that the collector wants. */
  tracesAuthorization: z.string().min(1).optional(),
  /** How many of the traces that begin here are kept; one that goes on is kept when its beginning was. */
  tracesShare: z.number().min(0).max(1).default(1),
  /** The proxies in `limits.trustedProxies` write `traceparent` anew, so that none of a client's gets past them. */
  traceparentFromProxies: z.boolean().default(false),
  /** Registered hosts that are told which trace a call belongs to. */
  traceparentTo: z.array(z.string()).default([]),
  /** How long somebody has the same name in logs, and in analytics. */
  pseudonymsFor: duration.default(30 * DAY),
  /** Of the keys by which processes give signs of life; deployments that share a Redis have one each. */
  prefix: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default('telemetry'),
})

export type TelemetrySettings = z.output<typeof telemetrySettings>
