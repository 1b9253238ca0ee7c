import { z } from 'zod'
import type { EdgeApi } from '../edge/index.ts'

/** As much of JSON Schema as attacks are made from. */
export interface InputSchema {
  type?: string
  format?: string
  pattern?: string
  enum?: unknown[]
  minLength?: number
  maxLength?: number
  properties?: Record<string, InputSchema>
  required?: string[]
  items?: InputSchema
}

/** One route as the OpenAPI document of its host describes it. */
export interface Operation {
  host: string
  /** Upper case. */
  method: string
  /** With placeholders: `/api/v1/artists/{id}`. */
  path: string
  parameters: { name: string; in: string; required?: boolean; schema?: InputSchema }[]
  /** Of a JSON body. */
  body?: InputSchema
  /** Answers only to who is signed in. */
  guarded: boolean
  /** What the caller's role must be granted. */
  permission?: string
  /** Needs a factor that its caller showed lately. */
  recent: boolean
}

const Described = z.object({
  parameters: z
    .array(
      z.object({
        name: z.string(),
        in: z.string(),
        required: z.boolean().optional(),
        schema: z.custom<InputSchema>().optional(),
      }),
    )
    .default([]),
  'x-permission': z.string().optional(),
  'x-recent': z.boolean().default(false),
  security: z.array(z.unknown()).default([]),
  requestBody: z
    .object({
      content: z.object({
        'application/json': z.object({ schema: z.custom<InputSchema>() }).optional(),
      }),
    })
    .optional(),
})
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Described)) })

/** Every route that `host` documents, through the front door. */
export async function readOperations(edge: EdgeApi, host: string): Promise<Operation[]> {
  const { status, body } = await edge.request({ host, path: '/api/v1/openapi.json' })
  if (status !== 200) throw new Error(`The OpenAPI document of ${host} answers ${status}.`)
  return Object.entries(Document.parse(JSON.parse(body)).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, { parameters, requestBody, security, 'x-permission': permission, 'x-recent': recent }]) => ({
        host,
        method: method.toUpperCase(),
        path,
        parameters,
        guarded: security.length > 0,
        permission,
        recent,
        body: requestBody?.content['application/json']?.schema,
      }),
    ),
  )
}

/** The operation's path with `values` in its placeholders, as they stand. */
export function fillPath(path: string, value: (name: string) => string): string {
  return path.replace(/\{([^}]+)\}/g, (_, name: string) => value(name))
}

/** A value that fits `schema`; identifiers become `id`. */
export function sample(schema: InputSchema | undefined, id: string): unknown {
  if (schema?.enum) return schema.enum[0]
  switch (schema?.type) {
    case 'object':
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, sample(schema.properties?.[name], id)]),
      )
    case 'array':
      return [sample(schema.items, id)]
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return true
    default:
      return schema?.format === 'date-time'
        ? '2026-01-01T00:00:00Z'
        : id.slice(0, schema?.maxLength ?? id.length)
  }
}
